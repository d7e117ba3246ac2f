// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test guests - the device tree of a Linux in VTL2, in the flattened form.
 */
#include <stdlib.h>
#include <string.h>
#include "linux_boot.h"

#define FDT_MAGIC		0xd00dfeed
#define FDT_VERSION		17
#define FDT_COMPATIBLE		16

enum { FDT_BEGIN_NODE = 1, FDT_END_NODE, FDT_PROP, FDT_END = 9 };

struct fdt_header {
	u32 magic, size, off_structs, off_strings, off_reserved, version;
	u32 compatible, boot_cpu, strings_size, structs_size;
};

struct tree {
	u8 *structs;
	u32 n, size;
	char strings[256];
	u32 nr_strings;
};

static void put(struct tree *t, const void *data, u32 n)
{
	u32 padded = (n + 3) & ~3;

	if (t->n + padded > t->size)
		abort();
	memset(t->structs + t->n, 0, padded);
	memcpy(t->structs + t->n, data, n);
	t->n += padded;
}

static void put32(struct tree *t, u32 value)
{
	u32 be = __builtin_bswap32(value);

	put(t, &be, sizeof(be));
}

/* Offset of that name among the names of properties */
static u32 name_of(struct tree *t, const char *name)
{
	u32 i, n = strlen(name) + 1;

	for (i = 0; i < t->nr_strings; i += strlen(t->strings + i) + 1)
		if (!strcmp(t->strings + i, name))
			return i;
	if (t->nr_strings + n > sizeof(t->strings))
		abort();
	memcpy(t->strings + i, name, n);
	t->nr_strings += n;
	return i;
}

static void begin(struct tree *t, const char *node)
{
	put32(t, FDT_BEGIN_NODE);
	put(t, node, strlen(node) + 1);
}

static void end(struct tree *t)
{
	put32(t, FDT_END_NODE);
}

static void property(struct tree *t, const char *name, const void *data, u32 n)
{
	put32(t, FDT_PROP);
	put32(t, n);
	put32(t, name_of(t, name));
	put(t, data, n);
}

static void text(struct tree *t, const char *name, const char *value)
{
	property(t, name, value, strlen(value) + 1);
}

static void cells(struct tree *t, const char *name, const u32 *values, u32 n)
{
	u32 be[8], i;

	for (i = 0; i < n; i++)
		be[i] = __builtin_bswap32(values[i]);
	property(t, name, be, n * sizeof(*be));
}

#define CELLS(t, name, ...)						\
	cells(t, name, (const u32[]){ __VA_ARGS__ },			\
	      ARRAY_LEN(((const u32[]){ __VA_ARGS__ })))

static void cpu_nodes(struct tree *t, u32 cpus)
{
	char name[] = "cpu@0";
	u32 i;

	begin(t, "cpus");
	CELLS(t, "#address-cells", 1);
	CELLS(t, "#size-cells", 0);
	for (i = 0; i < cpus; i++) {
		name[4] = '0' + i;
		begin(t, name);
		text(t, "device_type", "cpu");
		CELLS(t, "reg", i);
		end(t);
	}
	end(t);
}

static void nodes(struct tree *t, u32 cpus)
{
	begin(t, "");
	/* Without one Linux takes the tree for an empty one. */
	text(t, "compatible", "test-guest");
	CELLS(t, "#address-cells", 1);
	CELLS(t, "#size-cells", 1);
	cpu_nodes(t, cpus);
	begin(t, "lapic@fee00000");
	text(t, "compatible", "intel,ce4100-lapic");
	CELLS(t, "reg", APIC_BASE, PAGE_SIZE);
	property(t, "intel,virtual-wire-mode", NULL, 0);
	end(t);
	begin(t, "vmbus");
	text(t, "compatible", "microsoft,vmbus");
	CELLS(t, "#address-cells", 1);
	CELLS(t, "#size-cells", 1);
	CELLS(t, "ranges", GUEST_MMIO, GUEST_MMIO, 0x1000000);
	end(t);
	end(t);
	put32(t, FDT_END);
}

u32 linux_device_tree(void *tree, u32 size, u32 cpus)
{
	/* No reserved memory: one empty entry */
	u32 at = sizeof(struct fdt_header) + 16;
	struct tree t = { .structs = tree + at, .size = size - at };
	struct fdt_header *header = tree;
	u32 i, *word = tree;

	memset(tree, 0, at);
	nodes(&t, cpus);
	*header = (struct fdt_header) {
		.magic = FDT_MAGIC, .version = FDT_VERSION,
		.compatible = FDT_COMPATIBLE,
		.off_reserved = sizeof(*header), .off_structs = at,
		.structs_size = t.n, .off_strings = at + t.n,
		.strings_size = t.nr_strings,
	};
	put(&t, t.strings, t.nr_strings);
	header->size = at + t.n;
	size = header->size;
	for (i = 0; i < sizeof(*header) / sizeof(*word); i++)
		word[i] = __builtin_bswap32(word[i]);
	return size;
}
