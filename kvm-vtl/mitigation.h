/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvm-vtl - side channels between the VTLs of a VP
 */
#ifndef _KVM_VTL_MITIGATION_H
#define _KVM_VTL_MITIGATION_H

void vtl_mitigate_switch(void);

#endif /* _KVM_VTL_MITIGATION_H */
