/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * kvm-vtl - user ABI of /dev/kvm-vtl
 *
 * /dev/kvm-vtl takes the whole KVM API (<linux/kvm.h>) and, on the same file
 * descriptors, the commands of this header.  The type byte 0xB9 is not in use
 * in the kernel's ioctl-number table.
 *
 * DOC: General rules
 *
 * Every command takes a pointer to a struct whose first members are
 *
 *   __u32 size;   sizeof(the struct) as user space knows it
 *   __u32 flags;  zero unless the command defines flags
 *
 * Members named out_* are written by the kernel, also when the command fails
 * half-way; a GET command writes all members but size and flags; all others are
 * read.  The struct grows at its end only: a longer struct than the kernel
 * knows is accepted when the unknown tail is zero, a shorter one than the first
 * version is not.
 *
 * Errors mean the same for all commands and are checked in this order:
 *
 *   EIO         the partition is dead, or another process opened it
 *   ENOTTY      the command number is unknown on this file descriptor
 *   EFAULT      a pointer is not readable or not writable
 *   EINVAL      size is smaller than the first version of the struct
 *   E2BIG       the tail that the kernel does not know is not zero
 *   EINVAL      unknown flag, reserved member not zero, value out of range
 *   EOPNOTSUPP  the value is known but this host cannot do it
 *   ENOENT      no such VTL
 *   EBUSY       the state of the object does not allow it now
 *   ENOMEM      out of memory
 *   EINTR       interrupted by a signal; call again
 */
#ifndef _UAPI_LINUX_KVM_VTL_H
#define _UAPI_LINUX_KVM_VTL_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Grows by one with every addition to this header. */
#define KVM_VTL_ABI		3

#define KVM_VTL_IOC_TYPE	0xB9

/* Numbers are unique over all file descriptors of the module. */
enum {
	KVM_VTL_NR_GET_INFO		= 0x00,
	KVM_VTL_NR_CONFIGURE		= 0x01,
	KVM_VTL_NR_GET_PARTITION	= 0x02,
	KVM_VTL_NR_SET_PARTITION	= 0x03,
	KVM_VTL_NR_GET_PROTECTIONS	= 0x04,
	KVM_VTL_NR_SET_PROTECTIONS	= 0x05,
	KVM_VTL_NR_GET_VP		= 0x06,
	KVM_VTL_NR_SET_VP		= 0x07,
	KVM_VTL_NR_VCPU_IOCTL		= 0x08,
	KVM_VTL_NR_GET_PORTS		= 0x09,
	KVM_VTL_NR_SET_PORTS		= 0x0a,
};

/* Values of kvm_vtl_info.out_vendor */
#define KVM_VTL_VENDOR_INTEL	1
#define KVM_VTL_VENDOR_AMD	2

/* Bits of kvm_vtl_info.out_features */
#define KVM_VTL_FEATURE_VSM	(1ULL << 0)	/* VTL1 can be offered */
#define KVM_VTL_FEATURE_MBEC	(1ULL << 1)	/* MBEC can be (ABI 3) */

/**
 * struct kvm_vtl_info - ioctl(KVM_VTL_GET_INFO) on /dev/kvm-vtl
 * @size: sizeof(struct kvm_vtl_info)
 * @flags: must be 0
 * @out_abi: KVM_VTL_ABI of the loaded module
 * @out_vendor: one of KVM_VTL_VENDOR_*
 * @out_features: mask of KVM_VTL_FEATURE_*
 * @out_errata: mask of fixed bugs that user space may need to know of; none
 * @out_max_vtl: the highest VTL that KVM_VTL_CONFIGURE accepts
 * @out_config_max_vtl: what this open file offers now: the module parameter
 *	or the last KVM_VTL_CONFIGURE
 */
struct kvm_vtl_info {
	__u32 size;
	__u32 flags;
	__u32 out_abi;
	__u32 out_vendor;
	__aligned_u64 out_features;
	__aligned_u64 out_errata;
	__u32 out_max_vtl;
	__u32 out_config_max_vtl;
};

#define KVM_VTL_GET_INFO \
	_IOWR(KVM_VTL_IOC_TYPE, KVM_VTL_NR_GET_INFO, struct kvm_vtl_info)

/**
 * struct kvm_vtl_config - ioctl(KVM_VTL_CONFIGURE) on /dev/kvm-vtl
 * @size: sizeof(struct kvm_vtl_config)
 * @flags: must be 0
 * @max_vtl: the highest VTL that VMs created by this open file may enable;
 *	0 makes the file an ordinary /dev/kvm
 * @__reserved: must be 0
 * @features: mask of the optional features that VMs created by this open file
 *	offer, and no others: KVM_VTL_FEATURE_MBEC or 0.  EOPNOTSUPP when the
 *	host lacks one; KVM_CREATE_VM fails so when KVM was told not to use it
 *
 * A file that is not configured offers whatever the host has.
 *
 * What the device filters (nested virtualization, KVM's own paravirtual
 * features) it filters in every query on this open file, so configure before
 * the first other command.  EBUSY after a KVM command was used on the file.
 */
struct kvm_vtl_config {
	__u32 size;
	__u32 flags;
	__u32 max_vtl;
	__u32 __reserved;
	__aligned_u64 features;
};

#define KVM_VTL_CONFIGURE \
	_IOW(KVM_VTL_IOC_TYPE, KVM_VTL_NR_CONFIGURE, struct kvm_vtl_config)

/* VTLs in the per-VTL arrays of this header; unused entries are zero. */
#define KVM_VTL_NR_VTLS		4

/**
 * struct kvm_vtl_partition - KVM_VTL_GET_PARTITION, KVM_VTL_SET_PARTITION on a
 * VM
 * @size: sizeof(struct kvm_vtl_partition)
 * @flags: must be 0
 * @enabled_vtls: EnabledVtlSet of HvRegisterVsmPartitionStatus; bit 0 is set
 * @out_max_vtl: the highest VTL the partition may enable
 * @config: per VTL, HvRegisterVsmPartitionConfig; entry 0 must be 0
 * @mbec_vtls: mask of the VTLs that were enabled with EnableMbec (ABI 3)
 * @__reserved: must be 0
 * @out_features: mask of the optional KVM_VTL_FEATURE_* that the VM offers
 *	(ABI 3)
 *
 * Setting is for the restore of a saved partition: VTLs can be enabled, with
 * MBEC or without, but not disabled (EBUSY).  A config of 0 leaves the one that
 * the VTL has.
 */
struct kvm_vtl_partition {
	__u32 size;
	__u32 flags;
	__u32 enabled_vtls;
	__u32 out_max_vtl;
	__aligned_u64 config[KVM_VTL_NR_VTLS];
	__u32 mbec_vtls;
	__u32 __reserved;
	__aligned_u64 out_features;
};

#define KVM_VTL_GET_PARTITION \
	_IOWR(KVM_VTL_IOC_TYPE, KVM_VTL_NR_GET_PARTITION, \
	      struct kvm_vtl_partition)
#define KVM_VTL_SET_PARTITION \
	_IOWR(KVM_VTL_IOC_TYPE, KVM_VTL_NR_SET_PARTITION, \
	      struct kvm_vtl_partition)

/* Bits of kvm_vtl_range.prot, as HV_MAP_GPA_FLAGS has them */
#define KVM_VTL_PROT_READ	0x1
#define KVM_VTL_PROT_WRITE	0x2
#define KVM_VTL_PROT_EXEC_KERNEL 0x4
#define KVM_VTL_PROT_EXEC_USER	0x8
#define KVM_VTL_PROT_ALL	0xf

/**
 * struct kvm_vtl_range - guest pages of equal rights
 * @start_gfn: first guest frame number
 * @nr_pages: number of frames
 * @prot: mask of KVM_VTL_PROT_*: what lower VTLs may do
 * @__reserved: must be 0
 */
struct kvm_vtl_range {
	__aligned_u64 start_gfn;
	__aligned_u64 nr_pages;
	__u32 prot;
	__u32 __reserved;
};

/**
 * struct kvm_vtl_protections - KVM_VTL_GET_PROTECTIONS,
 * KVM_VTL_SET_PROTECTIONS on a VM
 * @size: sizeof(struct kvm_vtl_protections)
 * @flags: must be 0
 * @vtl: the VTL that owns the protections, 1 or higher
 * @nr_ranges: entries of @ranges
 * @start_gfn: get: continue from this frame; set: must be 0
 * @ranges: pointer to an array of struct kvm_vtl_range
 * @out_nr_ranges: get: entries written; set: entries applied
 * @__reserved: must be 0
 * @out_next_gfn: get: where to continue, or ~0 when all ranges were returned
 *
 * Only pages whose rights differ from the partition's default are listed.  Only
 * pages in memory slots can be set, and only after the VTL's config says that
 * protection is enabled (EBUSY); ENOENT for a VTL that is not offered.
 */
struct kvm_vtl_protections {
	__u32 size;
	__u32 flags;
	__u32 vtl;
	__u32 nr_ranges;
	__aligned_u64 start_gfn;
	__aligned_u64 ranges;
	__u32 out_nr_ranges;
	__u32 __reserved;
	__aligned_u64 out_next_gfn;
};

#define KVM_VTL_GET_PROTECTIONS \
	_IOWR(KVM_VTL_IOC_TYPE, KVM_VTL_NR_GET_PROTECTIONS, \
	      struct kvm_vtl_protections)
#define KVM_VTL_SET_PROTECTIONS \
	_IOWR(KVM_VTL_IOC_TYPE, KVM_VTL_NR_SET_PROTECTIONS, \
	      struct kvm_vtl_protections)

/* Bytes of a bitmap of all I/O ports */
#define KVM_VTL_PORT_BITMAP_SIZE 8192

/**
 * struct kvm_vtl_ports - KVM_VTL_GET_PORTS, KVM_VTL_SET_PORTS on a VM
 * @size: sizeof(struct kvm_vtl_ports)
 * @flags: must be 0
 * @vtl: the VTL that intercepts, 1 or higher
 * @__reserved: must be 0
 * @read_bitmap: pointer to KVM_VTL_PORT_BITMAP_SIZE bytes: bit n for port n
 * @write_bitmap: the same for writes
 *
 * The intercepts that HvCallInstallIntercept made, all at once (ABI 2).
 * Setting needs an enabled VTL (EBUSY); ENOENT for a VTL that is not offered.
 */
struct kvm_vtl_ports {
	__u32 size;
	__u32 flags;
	__u32 vtl;
	__u32 __reserved;
	__aligned_u64 read_bitmap;
	__aligned_u64 write_bitmap;
};

#define KVM_VTL_GET_PORTS \
	_IOWR(KVM_VTL_IOC_TYPE, KVM_VTL_NR_GET_PORTS, struct kvm_vtl_ports)
#define KVM_VTL_SET_PORTS \
	_IOW(KVM_VTL_IOC_TYPE, KVM_VTL_NR_SET_PORTS, struct kvm_vtl_ports)

/**
 * struct kvm_vtl_vp - KVM_VTL_GET_VP, KVM_VTL_SET_VP on a vCPU
 * @size: sizeof(struct kvm_vtl_vp)
 * @flags: must be 0
 * @enabled_vtls: EnabledVtlSet of HvRegisterVsmVpStatus; bit 0 is set
 * @active_vtl: the VTL that the VP runs in; must be enabled
 * @pending_event: per VTL, HvX64RegisterPendingEvent0, low then high half
 * @vina: per VTL, HvRegisterVsmVina; 0 for VTLs that are not enabled (ABI 2)
 * @tlb_locks: per VTL, mask of the lower VTLs whose TLB lock it holds, in bits
 *	3:0 by itself, in bits 7:4 because another VP has set it; bits 3:0 are 0
 *	for VTLs above the active one (ABI 2)
 * @tlb_waits: mask of VTLs that have set HvRegisterVsmVpWaitForTlbLock (ABI 2)
 * @cr_intercept: per VTL, HvRegisterCrInterceptControl, CrInterceptCr0Mask,
 *	CrInterceptCr4Mask and CrInterceptIa32MiscEnableMask; 0 for VTL0 and
 *	for VTLs that are not enabled (ABI 2)
 * @mbec: 1 when MBEC is on, MbecEnabled of HvRegisterVsmVpSecureConfigVtl<n>,
 *	else 0 (ABI 3)
 * @__reserved: must be 0
 *
 * Setting is for the restore of a saved VP: VTLs can be enabled but not
 * disabled, and must be enabled for the partition, as must MBEC (EBUSY).  A VTL
 * that is enabled this way must get its registers before it runs, KVM_SET_SREGS
 * by KVM_VTL_VCPU_IOCTL at least.
 */
struct kvm_vtl_vp {
	__u32 size;
	__u32 flags;
	__u32 enabled_vtls;
	__u32 active_vtl;
	__aligned_u64 pending_event[2 * KVM_VTL_NR_VTLS];
	__aligned_u64 vina[KVM_VTL_NR_VTLS];
	__u8 tlb_locks[KVM_VTL_NR_VTLS];
	__u32 tlb_waits;
	__aligned_u64 cr_intercept[4 * KVM_VTL_NR_VTLS];
	__u32 mbec;
	__u32 __reserved;
};

#define KVM_VTL_GET_VP \
	_IOWR(KVM_VTL_IOC_TYPE, KVM_VTL_NR_GET_VP, struct kvm_vtl_vp)
#define KVM_VTL_SET_VP \
	_IOWR(KVM_VTL_IOC_TYPE, KVM_VTL_NR_SET_VP, struct kvm_vtl_vp)

/**
 * struct kvm_vtl_vcpu_ioctl - KVM_VTL_VCPU_IOCTL on a vCPU
 * @size: sizeof(struct kvm_vtl_vcpu_ioctl)
 * @flags: must be 0
 * @vtl: the VTL
 * @cmd: a command of KVM that gets or sets state of a vCPU
 * @arg: its argument
 *
 * Does with one VTL of a VP what the command does with VTL0 when it is used
 * directly.  Registers that VTLs share are the same through all of them.
 * Returns what the command returns; EOPNOTSUPP for a command that is not about
 * state, ENOENT for a VTL that is not offered.
 */
struct kvm_vtl_vcpu_ioctl {
	__u32 size;
	__u32 flags;
	__u32 vtl;
	__u32 cmd;
	__aligned_u64 arg;
};

#define KVM_VTL_VCPU_IOCTL \
	_IOW(KVM_VTL_IOC_TYPE, KVM_VTL_NR_VCPU_IOCTL, \
	     struct kvm_vtl_vcpu_ioctl)

#endif /* _UAPI_LINUX_KVM_VTL_H */
