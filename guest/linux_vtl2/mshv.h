/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the driver of VTL0 in Linux 7.3 offers: /dev/mshv and its relatives.
 */
#ifndef _LINUX_VTL2_MSHV_H
#define _LINUX_VTL2_MSHV_H

#include <sys/ioctl.h>
#include "hv.h"

/* On /dev/mshv */
#define MSHV_CHECK_EXTENSION	_IOW(0xb8, 0x00, u32)
#define MSHV_CREATE_VTL		_IOR(0xb8, 0x1d, char)

#define MSHV_CAP_REGISTER_PAGE	1

/* On what that gives */
#define MSHV_GET_VP_REGISTERS	_IOWR(0xb8, 0x05, struct mshv_registers)
#define MSHV_SET_VP_REGISTERS	_IOW(0xb8, 0x06, struct mshv_registers)
#define MSHV_ADD_VTL0_MEMORY	_IOW(0xb8, 0x21, struct mshv_memory)
#define MSHV_SET_POLL_FILE	_IOW(0xb8, 0x25, struct mshv_poll_file)
#define MSHV_RETURN_TO_LOWER_VTL _IO(0xb8, 0x27)

/* On /dev/mshv_hvcall */
#define MSHV_HVCALL_SETUP	_IOW(0xb8, 0x1e, struct mshv_allowed)
#define MSHV_HVCALL		_IOWR(0xb8, 0x1f, struct mshv_hvcall)

struct mshv_registers {
	u32 count;		/* 1 */
	u32 reserved;
	u64 assoc;		/* struct mshv_assoc * */
};

struct mshv_assoc {
	u32 name;
	u32 reserved;
	u64 reserved2;
	union hv_value value;
};

struct mshv_memory {
	u64 first, end;		/* frames */
};

struct mshv_poll_file {
	u32 cpu, fd;
};

struct mshv_allowed {
	u64 size, bitmap;
};

struct mshv_hvcall {
	u64 control;
	u64 in_size, in;
	u64 result;
	u64 out_size, out;
};

/* Of one CPU, at that offset (in pages) of a VTL's file */
struct mshv_run {
	u32 cancel;
	u32 actions_size;
	u32 reserved[2];
	struct hv_message message;
	u64 rax, rcx, rdx, rbx, cr2, rbp, rsi, rdi, r8_to_r15[8];
	u8 fxsave[512];
};

_Static_assert(offsetof(struct mshv_run, rax) == 272, "run page");

#endif /* _LINUX_VTL2_MSHV_H */
