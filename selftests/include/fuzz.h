/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random numbers that follow from a seed, and how long to go on.
 */
#ifndef _SELFTESTS_FUZZ_H
#define _SELFTESTS_FUZZ_H

#include <stdlib.h>
#include "guest.h"

#define FUZZ_SEED	0x20261123

/* Not 0; in the guest its own copy */
static u64 fuzz_state;

static inline u64 any(void)
{
	fuzz_state ^= fuzz_state << 13;
	fuzz_state ^= fuzz_state >> 7;
	fuzz_state ^= fuzz_state << 17;
	return fuzz_state * 0x2545f4914f6cdd1dULL;
}

static inline u64 below(u64 n)
{
	return (any() >> 11) % n;
}

static inline u64 fuzz_from_environment(const char *name, u64 value)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : value;
}

/* On the host: the seed of the nr-th machine, and the rounds of each */
static inline u64 fuzz_seed(u64 nr)
{
	return fuzz_from_environment("KVM_VTL_FUZZ_SEED", FUZZ_SEED) + nr;
}

static inline u64 fuzz_rounds(u64 rounds)
{
	return fuzz_from_environment("KVM_VTL_FUZZ_ROUNDS", rounds);
}

#endif /* _SELFTESTS_FUZZ_H */
