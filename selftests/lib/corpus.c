// SPDX-License-Identifier: GPL-2.0-only
/*
 * Inputs of a fuzzer that are worth keeping, and new ones made of them.
 *
 * First those of the tree (corpus/) are run.  Then come random ones, and kept
 * ones with changes.  Kept is what executed a block of the module that none
 * before did.
 *
 * KVM_VTL_FUZZ_KEEP=1 prints what was kept, for corpus/ (scripts/fuzz.sh).
 * KVM_VTL_FUZZ_BLIND=1 runs nothing but random ones, for comparison.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "coverage.h"
#include "fuzz.h"

#define MAX_INPUTS	4096

/**
 * struct fuzz_corpus - inputs worth keeping
 * @name: of the file in corpus/
 * @watched: there is coverage
 * @blind: nothing is made of what is kept
 * @inputs: how many were run
 * @count: how many are kept
 * @seeds: the first of them are those of the tree
 * @replayed: how many of these were run
 * @coverage: blocks that were executed
 * @input: those that are kept
 *
 * Shared with the processes that a test makes.
 */
struct fuzz_corpus {
	const char *name;
	bool watched;
	bool blind;
	u64 inputs;
	u32 count;
	u32 seeds;
	u32 replayed;
	struct coverage coverage;
	struct fuzz_input input[MAX_INPUTS];
};

static u64 state = 0x9e3779b97f4a7c15ULL;

static u64 chance(u64 n)
{
	return (fuzz_random(&state) >> 11) % n;
}

struct fuzz_corpus *corpus_create(const char *name,
				  const struct fuzz_input *seeds, u32 count)
{
	struct fuzz_corpus *c;

	c = mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (c == MAP_FAILED)
		abort();
	c->name = name;
	c->blind = getenv("KVM_VTL_FUZZ_BLIND");
	if (!c->blind) {
		c->count = c->seeds = count;
		memcpy(c->input, seeds, count * sizeof(*seeds));
	}
	state += fuzz_seed(0);
	return c;
}

/* The calling thread will run the inputs. */
void corpus_watch(struct fuzz_corpus *c)
{
	c->watched = coverage_open();
	coverage_begin();
}

static const struct fuzz_input *any_of(const struct fuzz_corpus *c)
{
	return &c->input[chance(c->count)];
}

/* The head of one and the tail of another */
static void splice(struct fuzz_input *in, const struct fuzz_input *other)
{
	u32 at = chance(in->length), from = chance(other->length);
	u32 n = other->length - from;

	if (n > FUZZ_DRAWS - at)
		n = FUZZ_DRAWS - at;
	memcpy(in->draw + at, other->draw + from, n * sizeof(*in->draw));
	in->length = at + n;
}

static void swap_draws(u64 *a, u64 *b)
{
	u64 value = *a;

	*a = *b;
	*b = value;
}

static void change(const struct fuzz_corpus *c, struct fuzz_input *in)
{
	u64 *draw = &in->draw[chance(in->length)];

	switch (chance(8)) {
	case 0:
		*draw ^= BIT(chance(64));
		break;
	case 1:
		*draw = chance(32);
		break;
	case 2:
		*draw = fuzz_random(&state);
		break;
	case 3:
		*draw += chance(3) - 1;
		break;
	case 4:
		in->length = 1 + chance(in->length);
		break;
	case 5:
		*draw = BIT(chance(64)) - chance(2);
		break;
	case 6:
		swap_draws(draw, &in->draw[chance(in->length)]);
		break;
	default:
		splice(in, any_of(c));
	}
}

void corpus_next(struct fuzz_corpus *c, struct fuzz_input *in)
{
	u32 n;

	memset(in, 0, sizeof(*in));
	if (c->replayed < c->seeds) {
		*in = c->input[c->replayed++];
	} else if (!c->blind && c->count && chance(4)) {
		*in = *any_of(c);
		for (n = chance(4) + 1; n; n--)
			change(c, in);
	}
	in->used = 0;
	c->inputs++;
	coverage_begin();
}

/* The input was run. */
void corpus_judge(struct fuzz_corpus *c, const struct fuzz_input *in)
{
	struct fuzz_input *kept = &c->input[c->count];

	if (!coverage_add(&c->coverage) || c->replayed < c->seeds ||
	    c->count == MAX_INPUTS || !in->used || in->used > FUZZ_DRAWS)
		return;
	*kept = *in;
	kept->length = in->used;
	c->count++;
}

static void print(const struct fuzz_corpus *c, const struct fuzz_input *in)
{
	u32 i;

	printf("# corpus %s INPUT(", c->name);
	for (i = 0; i < in->length; i++)
		printf(in->draw[i] < 10 ? "%s%llu" : "%s0x%llx", i ? "," : "",
		       (unsigned long long)in->draw[i]);
	printf("),\n");
}

void corpus_report(struct fuzz_corpus *c)
{
	u32 i;

	printf("# %s: %lu inputs, %u of the corpus of the tree", c->name,
	       c->inputs, c->replayed);
	if (c->watched)
		printf("; %u kept, %u blocks of the module executed",
		       c->count - c->seeds, c->coverage.count);
	printf("\n");
	for (i = c->seeds; i < c->count && getenv("KVM_VTL_FUZZ_KEEP"); i++)
		print(c, &c->input[i]);
	fflush(stdout);
	munmap(c, sizeof(*c));
}
