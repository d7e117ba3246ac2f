/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a thread executes of the module, told by KCOV.
 */
#ifndef _SELFTESTS_COVERAGE_H
#define _SELFTESTS_COVERAGE_H

#include <linux/types.h>
#include <stdbool.h>

#define COVERAGE_SLOTS	0x8000

/**
 * struct coverage - places in the module that were seen
 * @pc: their addresses, in a hash table
 * @count: how many
 */
struct coverage {
	unsigned long pc[COVERAGE_SLOTS];
	unsigned int count;
};

bool coverage_open(void);
void coverage_begin(void);
unsigned int coverage_add(struct coverage *c);

#endif /* _SELFTESTS_COVERAGE_H */
