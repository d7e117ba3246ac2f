/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - tracepoints; Documentation/tracing.rst describes them
 *
 * Fields in this order: partition, VP, VTL, specifics.  No ABI.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM kvm_vtl

#if !defined(_KVM_VTL_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _KVM_VTL_TRACE_H

#include <linux/tracepoint.h>

#include "hypercall.h"
#include "partition.h"
#include "tlfs.h"
#include "vp.h"

TRACE_EVENT(kvm_vtl_partition_create,
	TP_PROTO(u64 id, u8 max_vtl),
	TP_ARGS(id, max_vtl),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u8, max_vtl)
	),
	TP_fast_assign(
		__entry->id = id;
		__entry->max_vtl = max_vtl;
	),
	TP_printk("partition %llu max_vtl %u", __entry->id, __entry->max_vtl)
);

TRACE_EVENT(kvm_vtl_partition_destroy,
	TP_PROTO(u64 id),
	TP_ARGS(id),
	TP_STRUCT__entry(
		__field(u64, id)
	),
	TP_fast_assign(
		__entry->id = id;
	),
	TP_printk("partition %llu", __entry->id)
);

TRACE_EVENT(kvm_vtl_partition_dead,
	TP_PROTO(u64 id, const char *why),
	TP_ARGS(id, why),
	TP_STRUCT__entry(
		__field(u64, id)
		__string(why, why)
	),
	TP_fast_assign(
		__entry->id = id;
		__assign_str(why);
	),
	TP_printk("partition %llu: %s", __entry->id, __get_str(why))
);

TRACE_EVENT(kvm_vtl_refused,
	TP_PROTO(u64 id, unsigned int cmd),
	TP_ARGS(id, cmd),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u32, cmd)
	),
	TP_fast_assign(
		__entry->id = id;
		__entry->cmd = cmd;
	),
	TP_printk("partition %llu ioctl 0x%08x", __entry->id, __entry->cmd)
);

TRACE_EVENT(kvm_vtl_switch,
	TP_PROTO(struct vtl_vp *vp, u8 from, u8 to, u32 reason),
	TP_ARGS(vp, from, to, reason),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u32, vp)
		__field(u8, from)
		__field(u8, to)
		__field(u32, reason)
	),
	TP_fast_assign(
		__entry->id = vp->partition->id;
		__entry->vp = vp->index;
		__entry->from = from;
		__entry->to = to;
		__entry->reason = reason;
	),
	TP_printk("partition %llu vp %u vtl %u -> %u reason %s",
		  __entry->id, __entry->vp, __entry->from, __entry->to,
		  __print_symbolic(__entry->reason,
				   { 0, "return" },
				   { HV_VTL_ENTRY_CALL, "call" },
				   { HV_VTL_ENTRY_INTERRUPT, "interrupt" },
				   { HV_VTL_ENTRY_INTERCEPT, "intercept" }))
);

TRACE_EVENT(kvm_vtl_userspace_exit,
	TP_PROTO(struct vtl_vp *vp, long ret),
	TP_ARGS(vp, ret),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u32, vp)
		__field(u8, vtl)
		__field(u32, reason)
		__field(long, ret)
	),
	TP_fast_assign(
		__entry->id = vp->partition->id;
		__entry->vp = vp->index;
		__entry->vtl = vp->active_vtl;
		__entry->reason = vtl_vp_vcpu(vp, 0)->run->exit_reason;
		__entry->ret = ret;
	),
	TP_printk("partition %llu vp %u vtl %u reason %u ret %ld",
		  __entry->id, __entry->vp, __entry->vtl, __entry->reason,
		  __entry->ret)
);

TRACE_EVENT(kvm_vtl_hypercall,
	TP_PROTO(struct vtl_vp *vp, const struct vtl_hypercall *hc),
	TP_ARGS(vp, hc),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u32, vp)
		__field(u8, vtl)
		__field(u64, control)
		__field(u16, status)
		__field(u16, reps)
	),
	TP_fast_assign(
		__entry->id = vp->partition->id;
		__entry->vp = vp->index;
		__entry->vtl = vp->active_vtl;
		__entry->control = hc->control;
		__entry->status = hc->status;
		__entry->reps = hc->reps_done;
	),
	TP_printk("partition %llu vp %u vtl %u code 0x%04x %s status 0x%x reps %u",
		  __entry->id, __entry->vp, __entry->vtl,
		  (u16)__entry->control,
		  __entry->control & HV_HC_FAST ? "fast" : "memory",
		  __entry->status, __entry->reps)
);

TRACE_EVENT(kvm_vtl_protect,
	TP_PROTO(struct vtl_vp *vp, u8 owner, vtl_prot_t prot, u32 changed),
	TP_ARGS(vp, owner, prot, changed),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u32, vp)
		__field(u8, owner)
		__field(u32, prot)
		__field(u32, changed)
	),
	TP_fast_assign(
		__entry->id = vp->partition->id;
		__entry->vp = vp->index;
		__entry->owner = owner;
		__entry->prot = vtl_prot_bits(prot);
		__entry->changed = changed;
	),
	TP_printk("partition %llu vp %u vtl %u prot 0x%x pages %u",
		  __entry->id, __entry->vp, __entry->owner, __entry->prot,
		  __entry->changed)
);

TRACE_EVENT(kvm_vtl_return_action,
	TP_PROTO(struct vtl_vp *vp, const struct hv_vtl_return_action *a,
		 bool done),
	TP_ARGS(vp, a, done),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u32, vp)
		__field(u8, vtl)
		__field(u32, target)
		__field(u8, target_vtl)
		__field(u8, sint)
		__field(u16, flag)
		__field(bool, done)
	),
	TP_fast_assign(
		__entry->id = vp->partition->id;
		__entry->vp = vp->index;
		__entry->vtl = vp->active_vtl;
		__entry->target = a->target_vp;
		__entry->target_vtl = a->target_vtl;
		__entry->sint = a->sint;
		__entry->flag = a->flag;
		__entry->done = done;
	),
	TP_printk("partition %llu vp %u vtl %u to vp %u vtl %u sint %u flag %u%s",
		  __entry->id, __entry->vp, __entry->vtl, __entry->target,
		  __entry->target_vtl, __entry->sint, __entry->flag,
		  __entry->done ? "" : " dropped")
);

TRACE_EVENT(kvm_vtl_fault,
	TP_PROTO(struct vtl_vp *vp, u64 gpa, vtl_prot_t access, u8 owner),
	TP_ARGS(vp, gpa, access, owner),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u32, vp)
		__field(u8, vtl)
		__field(u64, gpa)
		__field(u32, access)
		__field(u8, owner)
	),
	TP_fast_assign(
		__entry->id = vp->partition->id;
		__entry->vp = vp->index;
		__entry->vtl = vp->active_vtl;
		__entry->gpa = gpa;
		__entry->access = vtl_prot_bits(access);
		__entry->owner = owner;
	),
	TP_printk("partition %llu vp %u vtl %u gpa 0x%llx access 0x%x owner %u",
		  __entry->id, __entry->vp, __entry->vtl, __entry->gpa,
		  __entry->access, __entry->owner)
);

TRACE_EVENT(kvm_vtl_intercept,
	TP_PROTO(struct vtl_vp *vp, u8 owner,
		 const struct hv_vtl_memory_intercept *msg, int ret),
	TP_ARGS(vp, owner, msg, ret),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u32, vp)
		__field(u8, owner)
		__field(u32, type)
		__field(u64, gpa)
		__field(u64, rip)
		__field(u8, access)
		__field(int, ret)
	),
	TP_fast_assign(
		__entry->id = vp->partition->id;
		__entry->vp = vp->index;
		__entry->owner = owner;
		__entry->type = msg->header.message_type;
		__entry->gpa = msg->gpa;
		__entry->rip = msg->header.rip;
		__entry->access = msg->header.access_type;
		__entry->ret = ret;
	),
	TP_printk("partition %llu vp %u vtl %u type 0x%x gpa 0x%llx rip 0x%llx access %s error %d",
		  __entry->id, __entry->vp, __entry->owner, __entry->type,
		  __entry->gpa, __entry->rip,
		  __print_symbolic(__entry->access,
				   { HV_INTERCEPT_ACCESS_READ, "read" },
				   { HV_INTERCEPT_ACCESS_WRITE, "write" },
				   { HV_INTERCEPT_ACCESS_EXECUTE, "execute" }),
		  __entry->ret)
);

TRACE_EVENT(kvm_vtl_register_intercept,
	TP_PROTO(struct vtl_vp *vp, u8 owner,
		 const union hv_vtl_intercept *msg, int ret),
	TP_ARGS(vp, owner, msg, ret),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u32, vp)
		__field(u8, owner)
		__field(u32, type)
		__field(u32, name)
		__field(u64, value)
		__field(u64, rip)
		__field(u8, length)
		__field(u8, access)
		__field(int, ret)
	),
	TP_fast_assign(
		u32 type = msg->header.message_type;
		bool is_msr = type == HV_MESSAGE_TYPE_MSR_INTERCEPT;
		bool is_io = type == HV_MESSAGE_TYPE_IO_PORT_INTERCEPT;
		bool is_hc = type == HV_MESSAGE_TYPE_HYPERCALL_INTERCEPT;

		__entry->id = vp->partition->id;
		__entry->vp = vp->index;
		__entry->owner = owner;
		__entry->type = type;
		__entry->name = is_msr ? msg->msr.msr :
				is_io ? msg->io.port :
				is_hc ? (u16)msg->hypercall.rcx : msg->reg.name;
		__entry->value = is_io ? msg->io.rax :
				 is_hc ? msg->hypercall.rdx : vp->access.value;
		__entry->rip = msg->header.rip;
		__entry->length = msg->header.instruction_length;
		__entry->access = msg->header.access_type;
		__entry->ret = ret;
	),
	TP_printk("partition %llu vp %u vtl %u type 0x%x register 0x%x value 0x%llx rip 0x%llx length %u access %s error %d",
		  __entry->id, __entry->vp, __entry->owner, __entry->type,
		  __entry->name, __entry->value, __entry->rip,
		  __entry->length,
		  __print_symbolic(__entry->access,
				   { HV_INTERCEPT_ACCESS_READ, "read" },
				   { HV_INTERCEPT_ACCESS_WRITE, "write" },
				   { HV_INTERCEPT_ACCESS_EXECUTE, "execute" }),
		  __entry->ret)
);

#endif /* _KVM_VTL_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace

/* This part must be outside of the include guard. */
#include <trace/define_trace.h>
