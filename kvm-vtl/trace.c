// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - tracepoints
 */
#include <linux/kvm_host.h>

#include "hypercall.h"
#include "tlfs.h"
#include "vp.h"

#define CREATE_TRACE_POINTS
#include "trace.h"
