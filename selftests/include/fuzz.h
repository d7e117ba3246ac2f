/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inputs of fuzzers: all that is left to chance is drawn, and what was drawn is
 * the input.  Drawn again it is the same input.
 *
 * An input that ends early goes on with random numbers, which are added to it.
 * So an empty one is a random one, and a changed one stays well formed.
 *
 * The host chooses inputs (corpus.c), by coverage where the kernel has KCOV.
 */
#ifndef _SELFTESTS_FUZZ_H
#define _SELFTESTS_FUZZ_H

#include <stdlib.h>
#include "guest.h"

#define FUZZ_SEED	0x20261123
#define FUZZ_DRAWS	128

/**
 * struct fuzz_input - what is drawn for one input
 * @length: draws that there are
 * @used: draws that were taken
 * @draw: the values
 */
struct fuzz_input {
	u32 length;
	u32 used;
	u64 draw[FUZZ_DRAWS];
};

/* The guest has copies of its own of both. */
static struct fuzz_input fuzz_input;
static u64 fuzz_state;	/* not 0 */

static inline u64 fuzz_random(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state * 0x2545f4914f6cdd1dULL;
}

/* Below n; any number when n is 0 */
static inline u64 fuzz_draw(u64 n)
{
	struct fuzz_input *in = &fuzz_input;
	u64 value = fuzz_random(&fuzz_state) >> (n ? 11 : 0);

	if (in->used < in->length)
		value = in->draw[in->used];
	if (n)
		value %= n;
	if (in->used < FUZZ_DRAWS) {
		in->draw[in->used++] = value;
		if (in->length < in->used)
			in->length = in->used;
	}
	return value;
}

static inline u64 any(void)
{
	return fuzz_draw(0);
}

static inline u64 below(u64 n)
{
	return fuzz_draw(n);
}

/*
 * The rest of a long list follows from one draw: between these two nothing else
 * is drawn from the input.
 */
static inline u32 fuzz_derive_begin(void)
{
	u32 used;

	fuzz_state = any() | 1;
	used = fuzz_input.used;
	fuzz_input.used = FUZZ_DRAWS;
	return used;
}

static inline void fuzz_derive_end(u32 used)
{
	fuzz_input.used = used;
}

static inline u64 fuzz_from_environment(const char *name, u64 value)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : value;
}

/* On the host: the seed of the nr-th machine, and the inputs for each */
static inline u64 fuzz_seed(u64 nr)
{
	return fuzz_from_environment("KVM_VTL_FUZZ_SEED", FUZZ_SEED) + nr;
}

static inline u64 fuzz_rounds(u64 rounds)
{
	return fuzz_from_environment("KVM_VTL_FUZZ_ROUNDS", rounds);
}

/* A line of a file in corpus/ */
#define INPUT(...)							\
	{								\
		.length = sizeof((u64[]) { __VA_ARGS__ }) / sizeof(u64), \
		.draw = { __VA_ARGS__ },				\
	}

struct fuzz_corpus;

struct fuzz_corpus *corpus_create(const char *name,
				  const struct fuzz_input *seeds, u32 count);
void corpus_watch(struct fuzz_corpus *c);
void corpus_next(struct fuzz_corpus *c, struct fuzz_input *in);
void corpus_judge(struct fuzz_corpus *c, const struct fuzz_input *in);
void corpus_report(struct fuzz_corpus *c);

#endif /* _SELFTESTS_FUZZ_H */
