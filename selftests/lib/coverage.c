// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a thread executes of the module, told by KCOV.
 *
 * The debug kernel has KCOV, and of all its code only the module is built for
 * it: each address that is told is one of a block of the module.
 */
#include <fcntl.h>
#include <linux/kcov.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "coverage.h"

#define ENTRIES		0x20000

static unsigned long *entries;

/* For the calling thread; false where the kernel has no KCOV */
bool coverage_open(void)
{
	int fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return false;
	entries = MAP_FAILED;
	if (!ioctl(fd, KCOV_INIT_TRACE, ENTRIES))
		entries = mmap(NULL, ENTRIES * sizeof(*entries),
			       PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (entries == MAP_FAILED || ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC)) {
		entries = NULL;
		close(fd);
	}
	return entries;
}

void coverage_begin(void)
{
	if (entries)
		__atomic_store_n(entries, 0, __ATOMIC_RELAXED);
}

static bool is_new(struct coverage *c, unsigned long pc)
{
	unsigned int i = pc * 0x9e3779b97f4a7c15UL >> 49;

	while (c->pc[i] && c->pc[i] != pc)
		i = (i + 1) % COVERAGE_SLOTS;
	if (c->pc[i] || c->count > COVERAGE_SLOTS / 2)
		return false;
	c->pc[i] = pc;
	c->count++;
	return true;
}

/* Returns how many places since coverage_begin() were not known. */
unsigned int coverage_add(struct coverage *c)
{
	unsigned int found = 0;
	unsigned long i, n;

	if (!entries)
		return 0;
	n = __atomic_load_n(entries, __ATOMIC_RELAXED);
	for (i = 1; i <= n && i < ENTRIES; i++)
		found += is_new(c, entries[i]);
	return found;
}
