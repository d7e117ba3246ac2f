/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - THE list of KVM functions that the module redirects or calls
 *
 * VTL_HOOK(owner, target, flags, return type, (parameters), (arguments)):
 *	calls of the target for a partition with VTLs go to vtl_hook_<target>();
 *	vtl_orig_<target>() continues with the original.
 * VTL_CALL(owner, target, return type, (parameters), (arguments)):
 *	vtl_kvm_<target>() calls the target, which is not redirected.
 * The owner is a module of KVM, or "vmlinux" for a VTL_CALL.
 *
 * compat_hooks.h has the names that a target has in other kernels, and
 * VTL_BEFORE_7_3(entry) and VTL_SINCE_7_3(entry).
 *
 * Included several times, hence without a guard: hooks.h makes prototypes,
 * hooks.c the table, scripts/verify-hooks.py checks it against the binaries.
 */

/*
 * Why:      VTL call, VTL return and the VSM hypercalls
 * Replaces: may skip the original (all codes that the module implements)
 * Context:  vCPU loaded, kvm->srcu read, may sleep
 * Relies:   RIP is not advanced yet; return 0 leaves KVM_RUN, 1 re-enters
 * Fails:    the guest sees status 2 for every VSM hypercall
 * Drift:    6.1 - 7.3 same name and prototype
 * Test:     hypercall_test, switch_test
 */
VTL_HOOK("kvm", kvm_hv_hypercall, VTL_HOOK_BY_VCPU,
	 int, (struct kvm_vcpu *vcpu), (vcpu))

/*
 * Why:      per-VTL hypercall page with the VTL call and return sequences;
 *           pages that VTL0 places over pages closed to it
 * Replaces: around
 * Context:  vCPU loaded, vcpu->mutex
 * Relies:   returns 0 when the write was taken, 1 for #GP
 * Fails:    no VTL call sequence; SIMP, SIEFP clear a closed page
 * Drift:    6.1 - 7.3 same
 * Test:     hypercall_test, hyperv_path_test
 */
VTL_HOOK("kvm", kvm_hv_set_msr_common, VTL_HOOK_BY_VCPU,
	 int, (struct kvm_vcpu *vcpu, u32 msr, u64 data, bool host),
	 (vcpu, msr, data, host))

/*
 * Why:      one reference time for all VTLs; see kvm_emulate_rdmsr(), too
 * Replaces: around; higher VTLs get VTL0's
 * Context:  kvm_guest_time_update()
 * Relies:   works on memory of the VM, no vCPU needs to be loaded for it
 * Fails:    VTL1's reference time runs behind VTL0's
 * Drift:    none known
 * Test:     switch_test (reference_tsc_is_one)
 */
VTL_HOOK("kvm", kvm_hv_setup_tsc_page, VTL_HOOK_BY_KVM,
	 void, (struct kvm *kvm, struct pvclock_vcpu_time_info *hv_clock),
	 (kvm, hv_clock))

/*
 * Why:      MSRs that all VTLs of a VP share follow to the other VTLs
 * Replaces: around
 * Context:  vCPU loaded, vcpu->mutex
 * Relies:   vendor code calls it for every MSR it does not handle itself
 * Fails:    VTL1 sees its own MTRRs and IA32_MISC_ENABLE
 * Drift:    7.3 moved it to msrs.c
 * Test:     switch_test
 */
VTL_HOOK("kvm", kvm_set_msr_common, VTL_HOOK_BY_VCPU,
	 int, (struct kvm_vcpu *vcpu, struct msr_data *msr_info),
	 (vcpu, msr_info))

/*
 * Why:      offer AccessVsm; never offer nested virtualization with it
 * Replaces: before, edits the table
 * Context:  ioctl, vcpu->mutex, may sleep
 * Relies:   e2 is a kernel copy of the VMM's table, not yet installed
 * Fails:    the guest finds no VSM
 * Drift:    6.1 - 7.3 same
 * Test:     cpuid_test
 */
VTL_HOOK("kvm", kvm_set_cpuid, VTL_HOOK_BY_VCPU,
	 int, (struct kvm_vcpu *vcpu, struct kvm_cpuid_entry2 *e2, int nent),
	 (vcpu, e2, nent))

/*
 * Why:      a violation of VTL1's protections becomes a memory intercept
 * Replaces: may skip the original (when the access is denied)
 * Context:  vCPU loaded, kvm->srcu read, may sleep
 * Relies:   error_code has PFERR_WRITE/FETCH; return 0 leaves KVM_RUN
 * Fails:    VTL0 loops on the violation; the page stays closed by make_spte
 * Drift:    6.1 - 7.3 same name; vendors pass more error bits in 6.12
 * Test:     intercept_test
 */
VTL_HOOK("kvm", kvm_mmu_page_fault, VTL_HOOK_BY_VCPU,
	 int, (struct kvm_vcpu *vcpu, gpa_t cr2_or_gpa, u64 error_code,
	       void *insn, int insn_len),
	 (vcpu, cr2_or_gpa, error_code, insn, insn_len))

/*
 * Why:      the lower VTL's EPT/NPT entries carry only the rights it has
 * Replaces: around, edits the resulting SPTE
 * Context:  kvm->mmu_lock (read or write), cannot sleep
 * Relies:   the only writer of leaf SPTEs with a pfn; SPTE bits of vendor.c;
 *           struct kvm_mmu_page is opaque, the level is in bit 7 of the SPTE
 * Fails:    no memory protection at all
 * Drift:    7.3: other bits (compat_kvm.h), make_huge_spte() beside it
 * Test:     protect_test
 */
VTL_HOOK("kvm", make_spte, VTL_HOOK_BY_VCPU,
	 bool, (struct kvm_vcpu *vcpu, struct kvm_mmu_page *sp,
		const struct kvm_memory_slot *slot, unsigned int pte_access,
		gfn_t gfn, kvm_pfn_t pfn, u64 old_spte, bool prefetch,
		bool can_unsync, bool host_writable, u64 *new_spte),
	 (vcpu, sp, slot, pte_access, gfn, pfn, old_spte, prefetch,
	  can_unsync, host_writable, new_spte))

/*
 * Why:      splitting a huge page must not give back the right to execute
 * Replaces: around, edits the result
 * Context:  kvm->mmu_lock, cannot sleep
 * Relies:   with nx_huge_pages the children of a non-executable huge SPTE
 *           become executable; a missing X is repaired by the next fault
 * Fails:    VTL0 executes pages of a huge page that is closed for execute
 * Drift:    7.3: make_small_spte()
 * Test:     protect_test (dirty logging over a range closed for execute)
 */
VTL_HOOK("kvm", make_huge_page_split_spte, VTL_HOOK_BY_KVM,
	 u64, (struct kvm *kvm, u64 huge_spte, union kvm_mmu_page_role role,
	       int index),
	 (kvm, huge_spte, role, index))

/*
 * Why:      the end of dirty logging must not map pages by the rights of one
 * Replaces: around; takes all rights, make_spte() gives them at the next fault
 * Context:  kvm->mmu_lock (read), cannot sleep
 * Relies:   KVM asks for the mapping level under the same lock, but between
 *           a change of rights in the store and in the SPTEs the level is that
 *           of the new rights, and small_spte has the old ones of one page
 * Fails:    a page that is closed opens for as long as a change of rights of a
 *           neighbour takes
 * Drift:    before 7.3 KVM dropped the small SPTEs
 * Test:     protect_test (dirty logging over a range closed for execute)
 */
VTL_SINCE_7_3(
VTL_HOOK("kvm", make_huge_spte, VTL_HOOK_BY_KVM,
	 u64, (struct kvm *kvm, u64 small_spte, int level),
	 (kvm, small_spte, level)))

/*
 * Why:      no huge mapping over pages of different rights
 * Replaces: around, lowers the result
 * Context:  kvm->mmu_lock, cannot sleep
 * Relies:   both mapping and recovery of huge pages ask it
 * Fails:    make_spte intersects the rights of the whole huge page: VTL0
 *           faults for ever on an allowed page
 * Drift:    6.1, 7.3: kvm_mmu_max_mapping_level() itself
 * Test:     protect_test
 */
VTL_BEFORE_7_3(
VTL_HOOK("kvm", __kvm_mmu_max_mapping_level, VTL_HOOK_BY_KVM,
	 int, (struct kvm *kvm, const struct kvm_memory_slot *slot, gfn_t gfn,
	       int max_level, bool is_private),
	 (kvm, slot, gfn, max_level, is_private)))
VTL_SINCE_7_3(
VTL_HOOK("kvm", kvm_mmu_max_mapping_level, VTL_HOOK_BY_KVM,
	 int, (struct kvm *kvm, struct kvm_page_fault *fault,
	       const struct kvm_memory_slot *slot, gfn_t gfn),
	 (kvm, fault, slot, gfn)))

/*
 * Why:      an interrupt for VTL1 must stop VTL0 on the same VP
 * Replaces: around
 * Context:  any, also hard interrupts with another vCPU loaded
 * Relies:   every event for a vCPU ends in one of these two
 * Fails:    VTL1's interrupts and timers wait until VTL0 makes a VTL call
 * Drift:    7.3: __kvm_vcpu_kick()
 * Test:     switch_test (timer of VTL1 while VTL0 halts or spins)
 * Inlined:  kvm_make_vcpu_request (requests create no work for another VTL)
 * Inlined 6.12: kvm_vcpu_kick (hooked itself)
 * Inlined 7.3: __kvm_vcpu_kick (hooked itself)
 * Inlined 6.12-debug: avic_hardware_setup (built without an IOMMU it does
 *           not register the function that calls)
 */
VTL_BEFORE_7_3(
VTL_HOOK("kvm", kvm_vcpu_kick, VTL_HOOK_BY_VCPU,
	 void, (struct kvm_vcpu *vcpu), (vcpu)))
VTL_SINCE_7_3(
VTL_HOOK("kvm", __kvm_vcpu_kick, VTL_HOOK_BY_VCPU,
	 void, (struct kvm_vcpu *vcpu, bool wait), (vcpu, wait)))
VTL_HOOK("kvm", kvm_vcpu_wake_up, VTL_HOOK_BY_VCPU,
	 bool, (struct kvm_vcpu *vcpu), (vcpu))

/*
 * Why:      the instruction emulator obeys VTL1's protections
 * Replaces: around; turns a denied access into a memory intercept
 * Context:  vCPU loaded, kvm->srcu read, may sleep
 * Relies:   X86EMUL_INTERCEPTED ends emulation without writeback; a failed
 *           read or write of RAM would become an MMIO exit otherwise
 * Fails:    the VMM reads or writes the closed page for VTL0
 * Drift:    6.1 - 7.3 same
 * Test:     emulator_test
 */
VTL_HOOK("kvm", x86_emulate_instruction, VTL_HOOK_BY_VCPU,
	 int, (struct kvm_vcpu *vcpu, gpa_t cr2_or_gpa, int emulation_type,
	       void *insn, int insn_len),
	 (vcpu, cr2_or_gpa, emulation_type, insn, insn_len))
VTL_HOOK("kvm", emulator_read_write, VTL_HOOK_BY_CTXT,
	 int, (struct x86_emulate_ctxt *ctxt, unsigned long addr, void *val,
	       unsigned int bytes, struct x86_exception *exception,
	       const struct read_write_emulator_ops *ops),
	 (ctxt, addr, val, bytes, exception, ops))
VTL_HOOK("kvm", kvm_fetch_guest_virt, VTL_HOOK_BY_CTXT,
	 int, (struct x86_emulate_ctxt *ctxt, gva_t addr, void *val,
	       unsigned int bytes, struct x86_exception *exception),
	 (ctxt, addr, val, bytes, exception))

/*
 * Why:      KVM's own accesses to guest memory on behalf of the lower VTL
 * Replaces: may skip the original (when the access is denied)
 * Context:  kvm->srcu read; the atomic ones cannot sleep
 * Relies:   the choke points of Debian's build, see memory-paths.rst; a
 *           running vCPU means "for the guest", none means "for the VMM"
 * Fails:    VTL0 reads or writes closed pages through emulator, page walks,
 *           hypercall buffers and synthetic pages
 * Drift:    6.1 inlines __kvm_read_guest_page()
 * Test:     emulator_test, hyperv_path_test
 * Inlined:  none that is not hooked itself (see the entries below)
 */
VTL_HOOK("kvm", __kvm_read_guest_page, VTL_HOOK_BY_RUNNING,
	 int, (struct kvm_memory_slot *slot, gfn_t gfn, void *data, int offset,
	       int len),
	 (slot, gfn, data, offset, len))
VTL_HOOK("kvm", __kvm_write_guest_page, VTL_HOOK_BY_RUNNING,
	 int, (struct kvm *kvm, struct kvm_memory_slot *memslot, gfn_t gfn,
	       const void *data, int offset, int len),
	 (kvm, memslot, gfn, data, offset, len))
VTL_HOOK("kvm", kvm_vcpu_read_guest_atomic, VTL_HOOK_BY_VCPU,
	 int, (struct kvm_vcpu *vcpu, gpa_t gpa, void *data, unsigned long len),
	 (vcpu, gpa, data, len))
VTL_HOOK("kvm", kvm_read_guest_offset_cached, VTL_HOOK_BY_RUNNING,
	 int, (struct kvm *kvm, struct gfn_to_hva_cache *ghc, void *data,
	       unsigned int offset, unsigned long len),
	 (kvm, ghc, data, offset, len))
VTL_HOOK("kvm", kvm_write_guest_offset_cached, VTL_HOOK_BY_RUNNING,
	 int, (struct kvm *kvm, struct gfn_to_hva_cache *ghc, void *data,
	       unsigned int offset, unsigned long len),
	 (kvm, ghc, data, offset, len))

/*
 * Why:      software page walks read page tables and set A and D bits
 * Replaces: around
 * Context:  kvm->srcu read
 * Relies:   only the walkers of paging_tmpl.h call it in the binary
 * Fails:    the emulator walks page tables that VTL0 may not read
 * Drift:    none known
 * Test:     emulator_test
 * Inlined:  __kvm_read_guest_page, kvm_vcpu_read_guest_atomic (both hooked);
 *           gfn_to_hva_prot, kvm_vcpu_gfn_to_hva_prot, kvm_host_page_size
 *           (no callers)
 * Inlined 7.3: emulator_write_emulated, emulator_fix_hypercall (no copies: they
 *           get to emulator_write_guest() by a table, and that calls
 *           kvm_mmu_track_write(), which calls what is hooked)
 */
VTL_HOOK("kvm", gfn_to_hva_memslot_prot, VTL_HOOK_BY_RUNNING,
	 unsigned long, (struct kvm_memory_slot *slot, gfn_t gfn,
			 bool *writable),
	 (slot, gfn, writable))

/*
 * Why:      LOCK CMPXCHG in the emulator and the VP assist page MSR
 * Replaces: may skip the original (when the access is denied)
 * Context:  kvm->srcu read
 * Relies:   an error address makes CMPXCHG fall back to a checked write
 * Fails:    VTL0 writes closed pages by an emulated CMPXCHG
 * Drift:    none known
 * Test:     emulator_test, hyperv_path_test
 */
VTL_HOOK("kvm", kvm_vcpu_gfn_to_hva, VTL_HOOK_BY_VCPU,
	 unsigned long, (struct kvm_vcpu *vcpu, gfn_t gfn), (vcpu, gfn))

/*
 * Why:      CrInterceptControl: MSRs; one reference time for all VTLs
 * Replaces: may skip the original
 * Context:  vCPU loaded, kvm->srcu read; kvm_msr_allowed() also in ioctls
 * Relies:   both vendors ask kvm_msr_allowed() before they let the guest have
 *           an MSR, anew for KVM_REQ_MSR_FILTER_CHANGED; RIP is not advanced
 *           yet; the fast paths only know TSC_DEADLINE and the x2APIC's ICR
 * Fails:    VTL0 writes MSRs that VTL1 locked; VTL1's reference time is late
 * Drift:    6.1: svm has its own; 7.3: kvm_msr_allowed() in msrs.c
 * Test:     cr_intercept_test, switch_test (reference_time_is_one)
 */
VTL_HOOK("kvm", kvm_msr_allowed, VTL_HOOK_BY_VCPU,
	 bool, (struct kvm_vcpu *vcpu, u32 index, u32 type),
	 (vcpu, index, type))
VTL_HOOK("kvm", kvm_emulate_wrmsr, VTL_HOOK_BY_VCPU,
	 int, (struct kvm_vcpu *vcpu), (vcpu))
VTL_HOOK("kvm", kvm_emulate_rdmsr, VTL_HOOK_BY_VCPU,
	 int, (struct kvm_vcpu *vcpu), (vcpu))
VTL_HOOK("kvm", emulator_set_msr_with_filter, VTL_HOOK_BY_CTXT,
	 int, (struct x86_emulate_ctxt *ctxt, u32 msr_index, u64 data),
	 (ctxt, msr_index, data))
VTL_HOOK("kvm", emulator_get_msr_with_filter, VTL_HOOK_BY_CTXT,
	 int, (struct x86_emulate_ctxt *ctxt, u32 msr_index, u64 *pdata),
	 (ctxt, msr_index, pdata))

/*
 * Why:      CrInterceptControl: CR0, CR4, XCR0
 * Replaces: may skip the original, and tells it that all went well
 * Context:  vCPU loaded, kvm->srcu read
 * Relies:   exit handlers and emulator write CR0 and CR4 by these only, and
 *           advance RIP afterwards; what VMM and VTL1 set takes another way
 * Fails:    VTL0 writes control registers that VTL1 locked
 * Drift:    none known
 * Test:     cr_intercept_test
 */
VTL_HOOK("kvm", kvm_set_cr0, VTL_HOOK_BY_VCPU,
	 int, (struct kvm_vcpu *vcpu, unsigned long cr0), (vcpu, cr0))
VTL_HOOK("kvm", kvm_set_cr4, VTL_HOOK_BY_VCPU,
	 int, (struct kvm_vcpu *vcpu, unsigned long cr4), (vcpu, cr4))
VTL_HOOK("kvm", kvm_emulate_xsetbv, VTL_HOOK_BY_VCPU,
	 int, (struct kvm_vcpu *vcpu), (vcpu))
VTL_HOOK("kvm", emulator_set_xcr, VTL_HOOK_BY_CTXT,
	 int, (struct x86_emulate_ctxt *ctxt, u32 index, u64 xcr),
	 (ctxt, index, xcr))

/*
 * Why:      CrInterceptControl: GDTR, IDTR, LDTR, TR in the emulator
 * Replaces: may skip the original
 * Context:  vCPU loaded, kvm->srcu read
 * Relies:   the emulator loads them by these only
 * Fails:    VTL0 has the emulator execute LGDT, LIDT, LLDT, LTR by changing an
 *           instruction that is being emulated
 * Drift:    none known
 * Test:     cr_intercept_test
 */
VTL_HOOK("kvm", emulator_set_gdt, VTL_HOOK_BY_CTXT,
	 void, (struct x86_emulate_ctxt *ctxt, struct desc_ptr *dt),
	 (ctxt, dt))
VTL_HOOK("kvm", emulator_set_idt, VTL_HOOK_BY_CTXT,
	 void, (struct x86_emulate_ctxt *ctxt, struct desc_ptr *dt),
	 (ctxt, dt))
VTL_HOOK("kvm", emulator_set_segment, VTL_HOOK_BY_CTXT,
	 void, (struct x86_emulate_ctxt *ctxt, u16 selector,
		struct desc_struct *desc, u32 base3, int seg),
	 (ctxt, selector, desc, base3, seg))
VTL_HOOK("kvm", kvm_task_switch, VTL_HOOK_BY_VCPU,
	 int, (struct kvm_vcpu *vcpu, u16 tss_selector, int idt_index,
	       int reason, bool has_error_code, u32 error_code),
	 (vcpu, tss_selector, idt_index, reason, has_error_code, error_code))

/*
 * Why:      CrInterceptControl on VMX: take RIP back, CLTS, table loads
 * Replaces: around handle_cr(); may skip the original
 * Context:  exit of the vCPU, which is loaded
 * Relies:   CLTS exits only while the guest does not own CR0.TS; exits for
 *           descriptor tables are on for us, or to emulate UMIP
 * Fails:    messages tell of the next instruction; CLTS kills the VM
 * Drift:    none known
 * Test:     cr_intercept_test
 */
VTL_HOOK("kvm_intel", handle_cr, VTL_HOOK_BY_VCPU,
	 int, (struct kvm_vcpu *vcpu), (vcpu))
VTL_HOOK("kvm_intel", handle_desc, VTL_HOOK_BY_VCPU,
	 int, (struct kvm_vcpu *vcpu), (vcpu))

/*
 * Why:      VMX controls and masks that KVM writes without our bits
 * Replaces: around
 * Context:  vCPU loaded
 * Relies:   no other function writes the secondary controls or the masks of
 *           CR0 and CR4 of a VM without nested virtualization that has run
 * Fails:    VTL0 gets rid of intercepts, e.g. by changing its APIC's mode
 * Drift:    none known
 * Test:     cr_intercept_test (after_apic_mode, after_cr4, after_dirty_log)
 */
VTL_HOOK("kvm_intel", vmx_vcpu_after_set_cpuid, VTL_HOOK_BY_VCPU,
	 void, (struct kvm_vcpu *vcpu), (vcpu))
VTL_HOOK("kvm_intel", vmx_set_cr4, VTL_HOOK_BY_VCPU,
	 void, (struct kvm_vcpu *vcpu, unsigned long cr4), (vcpu, cr4))
VTL_HOOK("kvm_intel", vmx_set_virtual_apic_mode, VTL_HOOK_BY_VCPU,
	 void, (struct kvm_vcpu *vcpu), (vcpu))
VTL_HOOK("kvm_intel", vmx_refresh_apicv_exec_ctrl, VTL_HOOK_BY_VCPU,
	 void, (struct kvm_vcpu *vcpu), (vcpu))
VTL_HOOK("kvm_intel", vmx_update_cpu_dirty_logging, VTL_HOOK_BY_VCPU,
	 void, (struct kvm_vcpu *vcpu), (vcpu))

/*
 * Why:      without paging every address is a user's to the CPU: KX decides
 * Replaces: around
 * Context:  vCPU loaded
 * Relies:   the guest owns neither CR0.PG nor CR4.SMEP; vmx_set_cr4() above
 * Fails:    VTL0's kernel turns paging off and executes what only users may
 * Drift:    before 7.3 KVM has no MBEC
 * Test:     mbec_test (without_paging_kx_decides)
 */
VTL_SINCE_7_3(
VTL_HOOK("kvm_intel", vmx_set_cr0, VTL_HOOK_BY_VCPU,
	 void, (struct kvm_vcpu *vcpu, unsigned long cr0), (vcpu, cr0)))

/*
 * Why:      MBEC is offered when KVM makes SPTEs for it
 * Context:  any
 * Relies:   true when the control is on in every VMCS or VMCB that KVM makes
 *           and SPTEs have two bits for execution; the VM is not looked at
 * Fails:    MBEC offered and not enforced
 * Drift:    7.3; with CONFIG_KVM_INTEL_TDX it is vt_tdp_has_smep()
 * Test:     mbec_test
 */
VTL_SINCE_7_3(
VTL_CALL("kvm_intel", vmx_tdp_has_smep,
	 bool, (struct kvm *kvm), (kvm)))
VTL_SINCE_7_3(
VTL_CALL("kvm_amd", svm_tdp_has_smep,
	 bool, (struct kvm *kvm), (kvm)))

/*
 * Why:      CrInterceptControl on SVM: take RIP back, table loads, CR0.TS;
 *           no VMLOAD in the guest, which loads TR, LDTR and MSRs
 * Replaces: around; dump_vmcb() is skipped for exits that are ours
 * Context:  vCPU loaded
 * Relies:   an exit without a handler gets to dump_vmcb() and leaves KVM_RUN;
 *           struct vcpu_svm begins as in svm.c, which is checked
 * Fails:    messages tell of the next instruction; loads of descriptor tables
 *           end the VM; TS and MP are not intercepted
 * Drift:    6.1 same
 * Test:     cr_intercept_test
 */
VTL_HOOK("kvm_amd", cr_interception, VTL_HOOK_BY_VCPU,
	 int, (struct kvm_vcpu *vcpu), (vcpu))
VTL_HOOK("kvm_amd", svm_set_cr0, VTL_HOOK_BY_VCPU,
	 void, (struct kvm_vcpu *vcpu, unsigned long cr0), (vcpu, cr0))
VTL_HOOK("kvm_amd", svm_vcpu_after_set_cpuid, VTL_HOOK_BY_VCPU,
	 void, (struct kvm_vcpu *vcpu), (vcpu))
VTL_HOOK("kvm_amd", dump_vmcb, VTL_HOOK_BY_VCPU,
	 void, (struct kvm_vcpu *vcpu), (vcpu))

/*
 * Why:      INIT and SIPI for a lower VTL are dropped; a reset drops intercepts
 * Replaces: may skip the original
 * Context:  vCPU loaded, vcpu->mutex
 * Relies:   INIT and SIPI have no other effect than these and arch.mp_state;
 *           shutdown_interception() clears the VMCB before it resets
 * Fails:    VTL0 restarts VPs on which VTL1 runs
 * Drift:    none known
 * Test:     startup_test
 */
VTL_HOOK("kvm", kvm_vcpu_reset, VTL_HOOK_BY_VCPU,
	 void, (struct kvm_vcpu *vcpu, bool init_event), (vcpu, init_event))
VTL_HOOK("kvm", kvm_vcpu_deliver_sipi_vector, VTL_HOOK_BY_VCPU,
	 void, (struct kvm_vcpu *vcpu, u8 vector), (vcpu, vector))

/*
 * Why:      RSM loads what VTL1 has locked, from memory that may be VTL0's
 * Replaces: skips the original: the SMI is dropped
 * Context:  vCPU loaded, kvm->srcu read
 * Relies:   the only way into SMM, but for the VMM's KVM_SET_VCPU_EVENTS
 * Fails:    VTL0 gets around CrInterceptControl by an SMI to itself
 * Drift:    6.1: in x86.c
 * Test:     cr_intercept_test (no_smm)
 */
VTL_HOOK("kvm", enter_smm, VTL_HOOK_BY_VCPU,
	 void, (struct kvm_vcpu *vcpu), (vcpu))

/*
 * Why:      I/O ports that VTL1 intercepts (InstallIntercept)
 * Replaces: may skip the original
 * Context:  exit of the vCPU, which is loaded
 * Relies:   every I/O instruction leaves the guest; nothing was done for it yet
 * Fails:    VTL0 uses ports that VTL1 wants to be told of
 * Drift:    none known
 * Test:     port_test
 */
VTL_HOOK("kvm_intel", handle_io, VTL_HOOK_BY_VCPU,
	 int, (struct kvm_vcpu *vcpu), (vcpu))
VTL_HOOK("kvm_amd", io_interception, VTL_HOOK_BY_VCPU,
	 int, (struct kvm_vcpu *vcpu), (vcpu))

/*
 * Why:      the same for the instruction emulator
 * Replaces: may skip the original, and ends the partition then
 * Context:  vCPU loaded, kvm->srcu read
 * Relies:   the emulator accesses ports by these only
 * Fails:    VTL0 has the emulator execute IN and OUT by changing an instruction
 *           that is being emulated
 * Drift:    none known
 * Test:     port_test (emulated)
 */
VTL_HOOK("kvm", emulator_pio_in_emulated, VTL_HOOK_BY_CTXT,
	 int, (struct x86_emulate_ctxt *ctxt, int size, unsigned short port,
	       void *val, unsigned int count),
	 (ctxt, size, port, val, count))
VTL_HOOK("kvm", emulator_pio_out_emulated, VTL_HOOK_BY_CTXT,
	 int, (struct x86_emulate_ctxt *ctxt, int size, unsigned short port,
	       const void *val, unsigned int count),
	 (ctxt, size, port, val, count))

/* The vCPU whose registers are on this CPU. */
VTL_CALL("kvm", vcpu_load, void, (struct kvm_vcpu *vcpu), (vcpu))
VTL_CALL("kvm", vcpu_put, void, (struct kvm_vcpu *vcpu), (vcpu))
VTL_CALL("kvm", kvm_get_running_vcpu, struct kvm_vcpu *, (void), ())

/* The registers of the guest's FPU onto this CPU; not KVM's, only for it. */
VTL_CALL("vmlinux", switch_fpu_return, void, (void), ())

/* Objects and memory slots. */
VTL_CALL("kvm", file_is_kvm, bool, (struct file *file), (file))
VTL_CALL("kvm", __kvm_set_memory_region, int,
	 (struct kvm *kvm, const struct kvm_userspace_memory_region2 *mem),
	 (kvm, mem))
VTL_CALL("kvm", kvm_vm_ioctl_enable_cap, int,
	 (struct kvm *kvm, struct kvm_enable_cap *cap), (kvm, cap))
VTL_CALL("kvm", kvm_make_all_cpus_request, bool,
	 (struct kvm *kvm, unsigned int req), (kvm, req))
VTL_CALL("kvm", kvm_set_or_clear_apicv_inhibit, void,
	 (struct kvm *kvm, enum kvm_apicv_inhibit reason, bool set),
	 (kvm, reason, set))

/* Dropping stale SPTEs. */
VTL_CALL("kvm", kvm_unmap_gfn_range, bool,
	 (struct kvm *kvm, struct kvm_gfn_range *range), (kvm, range))
VTL_CALL("kvm", kvm_mmu_invalidate_begin, void, (struct kvm *kvm), (kvm))
VTL_CALL("kvm", kvm_mmu_invalidate_end, void, (struct kvm *kvm), (kvm))
VTL_CALL("kvm", kvm_mmu_invalidate_range_add, void,
	 (struct kvm *kvm, gfn_t start, gfn_t end), (kvm, start, end))
VTL_CALL("kvm", kvm_flush_remote_tlbs, void, (struct kvm *kvm), (kvm))

/* Registers. */
VTL_CALL("kvm", kvm_arch_vcpu_ioctl_run, int, (struct kvm_vcpu *vcpu), (vcpu))
VTL_CALL("kvm", kvm_arch_vcpu_ioctl_get_regs, int,
	 (struct kvm_vcpu *vcpu, struct kvm_regs *regs), (vcpu, regs))
VTL_CALL("kvm", kvm_arch_vcpu_ioctl_set_regs, int,
	 (struct kvm_vcpu *vcpu, struct kvm_regs *regs), (vcpu, regs))
VTL_CALL("kvm", kvm_arch_vcpu_ioctl_get_sregs, int,
	 (struct kvm_vcpu *vcpu, struct kvm_sregs *sregs), (vcpu, sregs))
VTL_CALL("kvm", kvm_arch_vcpu_ioctl_set_sregs, int,
	 (struct kvm_vcpu *vcpu, struct kvm_sregs *sregs), (vcpu, sregs))
VTL_CALL("kvm", kvm_arch_vcpu_ioctl_set_mpstate, int,
	 (struct kvm_vcpu *vcpu, struct kvm_mp_state *mp_state),
	 (vcpu, mp_state))
VTL_CALL("kvm", __kvm_set_xcr, int,
	 (struct kvm_vcpu *vcpu, u32 index, u64 xcr), (vcpu, index, xcr))
VTL_CALL("kvm", kvm_valid_efer, bool, (struct kvm_vcpu *vcpu, u64 efer),
	 (vcpu, efer))
VTL_BEFORE_7_3(
VTL_CALL("kvm", kvm_get_segment, void,
	 (struct kvm_vcpu *vcpu, struct kvm_segment *var, int seg),
	 (vcpu, var, seg)))
VTL_SINCE_7_3(
VTL_CALL("kvm_intel", vmx_get_segment, void,
	 (struct kvm_vcpu *vcpu, struct kvm_segment *var, int seg),
	 (vcpu, var, seg)))
VTL_SINCE_7_3(
VTL_CALL("kvm_amd", svm_get_segment, void,
	 (struct kvm_vcpu *vcpu, struct kvm_segment *var, int seg),
	 (vcpu, var, seg)))
VTL_CALL("kvm", kvm_hv_get_msr_common, int,
	 (struct kvm_vcpu *vcpu, u32 msr, u64 *pdata, bool host),
	 (vcpu, msr, pdata, host))
VTL_CALL("kvm", kvm_get_rflags, unsigned long, (struct kvm_vcpu *vcpu), (vcpu))
VTL_BEFORE_7_3(
VTL_CALL("kvm", kvm_arch_vcpu_get_ip, unsigned long, (struct kvm_vcpu *vcpu),
	 (vcpu)))
VTL_SINCE_7_3(
VTL_CALL("kvm_intel", vmx_cache_reg, void,
	 (struct kvm_vcpu *vcpu, enum kvm_reg reg), (vcpu, reg)))
VTL_CALL("kvm_intel", vmx_get_cpl, int, (struct kvm_vcpu *vcpu), (vcpu))
VTL_CALL("kvm_amd", svm_get_cpl, int, (struct kvm_vcpu *vcpu), (vcpu))
VTL_CALL("kvm_intel", vmx_get_interrupt_shadow, u32, (struct kvm_vcpu *vcpu),
	 (vcpu))
VTL_CALL("kvm_intel", vmx_set_interrupt_shadow, void,
	 (struct kvm_vcpu *vcpu, int mask), (vcpu, mask))
VTL_CALL("kvm_intel", vmx_get_nmi_mask, bool, (struct kvm_vcpu *vcpu), (vcpu))
VTL_CALL("kvm_intel", vmx_set_nmi_mask, void,
	 (struct kvm_vcpu *vcpu, bool masked), (vcpu, masked))
VTL_CALL("kvm_amd", svm_get_interrupt_shadow, u32, (struct kvm_vcpu *vcpu),
	 (vcpu))
VTL_CALL("kvm_amd", svm_set_interrupt_shadow, void,
	 (struct kvm_vcpu *vcpu, int mask), (vcpu, mask))
VTL_CALL("kvm_amd", svm_get_nmi_mask, bool, (struct kvm_vcpu *vcpu), (vcpu))
VTL_CALL("kvm_amd", svm_set_nmi_mask, void,
	 (struct kvm_vcpu *vcpu, bool masked), (vcpu, masked))
VTL_CALL("kvm", kvm_get_dr, unsigned long, (struct kvm_vcpu *vcpu, int dr),
	 (vcpu, dr))
VTL_CALL("kvm", kvm_set_dr, int,
	 (struct kvm_vcpu *vcpu, int dr, unsigned long val), (vcpu, dr, val))
VTL_CALL("kvm", __kvm_get_msr, int,
	 (struct kvm_vcpu *vcpu, u32 index, u64 *data, bool host_initiated),
	 (vcpu, index, data, host_initiated))
VTL_CALL("kvm", kvm_set_msr_ignored_check, int,
	 (struct kvm_vcpu *vcpu, u32 index, u64 data, bool host_initiated),
	 (vcpu, index, data, host_initiated))
VTL_CALL("kvm", kvm_cpuid, bool,
	 (struct kvm_vcpu *vcpu, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx,
	  bool exact_only), (vcpu, eax, ebx, ecx, edx, exact_only))
VTL_CALL("kvm", kvm_update_cpuid_runtime, void, (struct kvm_vcpu *vcpu), (vcpu))
VTL_CALL("kvm", kvm_vcpu_write_tsc_offset, void,
	 (struct kvm_vcpu *vcpu, u64 l1_offset), (vcpu, l1_offset))
VTL_CALL("kvm", kvm_skip_emulated_instruction, int, (struct kvm_vcpu *vcpu),
	 (vcpu))

/* Exceptions and interrupts. */
VTL_CALL("kvm", kvm_queue_exception, void,
	 (struct kvm_vcpu *vcpu, unsigned int nr), (vcpu, nr))
VTL_CALL("kvm", kvm_queue_exception_e, void,
	 (struct kvm_vcpu *vcpu, unsigned int nr, u32 error_code),
	 (vcpu, nr, error_code))
VTL_CALL("kvm", kvm_queue_exception_p, void,
	 (struct kvm_vcpu *vcpu, unsigned int nr, unsigned long payload),
	 (vcpu, nr, payload))
VTL_CALL("kvm", kvm_apic_get_state, int,
	 (struct kvm_vcpu *vcpu, struct kvm_lapic_state *s), (vcpu, s))
VTL_CALL("kvm", kvm_apic_set_state, int,
	 (struct kvm_vcpu *vcpu, struct kvm_lapic_state *s), (vcpu, s))
VTL_CALL("kvm", kvm_apic_has_interrupt, int, (struct kvm_vcpu *vcpu), (vcpu))
VTL_CALL("kvm", kvm_apic_set_irq, int,
	 (struct kvm_vcpu *vcpu, struct kvm_lapic_irq *irq,
	  struct dest_map *dest_map), (vcpu, irq, dest_map))
VTL_CALL("kvm", kvm_irq_delivery_to_apic, int,
	 (struct kvm *kvm, struct kvm_lapic *src, struct kvm_lapic_irq *irq,
	  struct dest_map *dest_map), (kvm, src, irq, dest_map))
VTL_CALL("kvm", kvm_cpu_has_pending_timer, int, (struct kvm_vcpu *vcpu), (vcpu))
VTL_CALL("kvm", kvm_inject_pending_timer_irqs, void, (struct kvm_vcpu *vcpu),
	 (vcpu))
VTL_CALL("kvm", kvm_lapic_switch_to_sw_timer, void, (struct kvm_vcpu *vcpu),
	 (vcpu))

/* Hyper-V emulation. */
VTL_CALL("kvm", kvm_hv_activate_synic, int,
	 (struct kvm_vcpu *vcpu, bool dont_zero_synic_pages),
	 (vcpu, dont_zero_synic_pages))
VTL_CALL("kvm", kvm_hv_set_enforce_cpuid, int,
	 (struct kvm_vcpu *vcpu, bool enforce), (vcpu, enforce))
VTL_BEFORE_7_3(
VTL_CALL("kvm", kvm_hv_synic_set_irq, int,
	 (struct kvm *kvm, u32 vpidx, u32 sint), (kvm, vpidx, sint)))
VTL_SINCE_7_3(
VTL_CALL("kvm", kvm_hv_synic_set_irq, int,
	 (struct kvm_kernel_irq_routing_entry *e, struct kvm *kvm,
	  int irq_source_id, int level, bool line_status),
	 (e, kvm, irq_source_id, level, line_status)))
VTL_CALL("kvm", kvm_hv_process_stimers, void, (struct kvm_vcpu *vcpu), (vcpu))

/* Guest memory through a VTL's own view. */
VTL_CALL("kvm", kvm_vcpu_read_guest, int,
	 (struct kvm_vcpu *vcpu, gpa_t gpa, void *data, unsigned long len),
	 (vcpu, gpa, data, len))
VTL_CALL("kvm", kvm_vcpu_write_guest, int,
	 (struct kvm_vcpu *vcpu, gpa_t gpa, const void *data,
	  unsigned long len),
	 (vcpu, gpa, data, len))
