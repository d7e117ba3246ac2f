/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - redirected and called KVM functions: prototypes and life cycle
 */
#ifndef _KVM_VTL_HOOKS_H
#define _KVM_VTL_HOOKS_H

#include <linux/kvm_host.h>
#include <linux/static_call.h>

#include "common.h"
#include "compat_hooks.h"
#include "compat_kvm.h"

struct desc_ptr;
struct desc_struct;
struct dest_map;
struct x86_emulate_ctxt;
struct read_write_emulator_ops;
struct kvm_mmu_page;
struct kvm_page_fault;
struct pvclock_vcpu_time_info;

/**
 * enum vtl_hook_key - how the ftrace callback finds the VM of a call
 * @VTL_HOOK_BY_VCPU: the first argument is the vCPU
 * @VTL_HOOK_BY_KVM: the first argument is the VM
 * @VTL_HOOK_BY_CTXT: the first argument is the emulator's context, whose first
 *	member is the vCPU
 * @VTL_HOOK_BY_RUNNING: the vCPU loaded on this CPU; none means "not ours"
 */
enum vtl_hook_key {
	VTL_HOOK_BY_VCPU,
	VTL_HOOK_BY_KVM,
	VTL_HOOK_BY_CTXT,
	VTL_HOOK_BY_RUNNING,
};

#define VTL_STRIP(...) __VA_ARGS__

/*
 * vtl_proto_*() is never defined: it gives the static call its type.
 */
#define VTL_HOOK(owner, target, key, ret, params, args)			\
	ret vtl_hook_##target params;					\
	DECLARE_STATIC_CALL(vtl_sc_##target, vtl_hook_##target);	\
	static inline ret vtl_orig_##target params			\
	{								\
		return static_call(vtl_sc_##target)args;		\
	}
#define VTL_CALL(owner, target, ret, params, args)			\
	ret vtl_proto_##target params;					\
	DECLARE_STATIC_CALL(vtl_sc_##target, vtl_proto_##target);	\
	static inline ret vtl_kvm_##target params			\
	{								\
		return static_call(vtl_sc_##target)args;		\
	}
#include "hook_list.h"
#undef VTL_HOOK
#undef VTL_CALL

/*
 * Calls an original that may sleep from a context that does not pin the module.
 */
#define VTL_PASS(call)							\
({									\
	int __idx = vtl_hooks_enter();					\
	typeof(call) __ret = (call);					\
									\
	vtl_hooks_leave(__idx);						\
	__ret;								\
})

int vtl_hooks_get(void);
void vtl_hooks_put(void);
void vtl_hooks_exit(void);

int vtl_hooks_enter(void);
void vtl_hooks_leave(int idx);

#endif /* _KVM_VTL_HOOKS_H */
