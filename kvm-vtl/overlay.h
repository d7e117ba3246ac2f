/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - overlay pages of a vCPU: VP assist, message and event flags page
 */
#ifndef _KVM_VTL_OVERLAY_H
#define _KVM_VTL_OVERLAY_H

#include <linux/kvm_host.h>

struct vtl_vp;

/* Entry reason and VINA status, in one word; RAX; RCX */
#define VTL_ASSIST_ENTRY_WORDS	3
/* RAX, RCX */
#define VTL_ASSIST_RETURN_WORDS	2

void vtl_vcpu_put_assist_entry(struct kvm_vcpu *vcpu, unsigned int offset,
			       const u64 *words, bool is_highest);
void vtl_vcpu_get_assist_return(struct kvm_vcpu *vcpu, unsigned int offset,
				u64 *words, bool is_highest);
bool vtl_vcpu_get_assist_word(struct kvm_vcpu *vcpu, unsigned int offset,
			      u64 *word, bool is_highest);
bool vtl_vcpu_has_assist(struct kvm_vcpu *vcpu);
bool vtl_vcpu_read_assist(struct kvm_vcpu *vcpu, unsigned int offset,
			  void *data, unsigned int len);
bool vtl_vcpu_write_assist(struct kvm_vcpu *vcpu, unsigned int offset,
			   const void *data, unsigned int len);
int vtl_vcpu_post_message(struct kvm_vcpu *vcpu, const void *message,
			  unsigned int len);
bool vtl_vcpu_takes_messages(struct kvm_vcpu *vcpu);
bool vtl_vp_signal_event(struct vtl_vp *vp, u8 vtl, u8 sint, u16 flag);

#endif /* _KVM_VTL_OVERLAY_H */
