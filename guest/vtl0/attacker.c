// SPDX-License-Identifier: GPL-2.0-only
/*
 * VTL0 - the attacker: a kernel module, with every right that a kernel has.
 *
 * All it is told is where to attack.  One attack at each loading:
 *
 *	target_pa	physical address
 *	through		"direct": the kernel's map of all memory
 *			"alias": a mapping of its own, readable and writable
 *	action		"steal": read a key and answer number in its service's
 *			place
 *			"spoil": overwrite data
 *			"patch": replace a function by one that returns number
 *	number		see above
 *	report		what happened, to be read: "done HEX HEX ANSWER" or
 *			"fault VECTOR"
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/siphash.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <asm/asm.h>

#define NO_FAULT	(~0UL)
#define WORDS		2

static unsigned long target_pa;
static char *through = "direct";
static char *action = "steal";
static unsigned long long number;
static char report_text[80];
static char *report = report_text;

module_param(target_pa, ulong, 0400);
module_param(through, charp, 0400);
module_param(action, charp, 0400);
module_param(number, ullong, 0400);
module_param(report, charp, 0400);

/* Accesses that may fault; the vector, or NO_FAULT */

static unsigned long read_word(const u64 *p, u64 *value)
{
	unsigned long vector = NO_FAULT;

	asm volatile("1: movq %[p], %[value]\n"
		     "2:\n"
		     _ASM_EXTABLE_FAULT(1b, 2b)
		     : "+a" (vector), [value] "=&r" (*value)
		     : [p] "m" (*p));
	return vector;
}

static unsigned long write_word(u64 *p, u64 value)
{
	unsigned long vector = NO_FAULT;

	asm volatile("1: movq %[value], %[p]\n"
		     "2:\n"
		     _ASM_EXTABLE_FAULT(1b, 2b)
		     : "+a" (vector), [p] "=m" (*p)
		     : [value] "r" (value));
	return vector;
}

static unsigned long read_words(const u64 *p, u64 *words)
{
	unsigned long vector = NO_FAULT;
	int i;

	for (i = 0; i < WORDS && vector == NO_FAULT; i++)
		vector = read_word(p + i, &words[i]);
	return vector;
}

/* Done is what reads back. */
static unsigned long write_words(u64 *p, const u64 *words)
{
	unsigned long vector = NO_FAULT;
	u64 now[WORDS];
	int i;

	for (i = 0; i < WORDS && vector == NO_FAULT; i++)
		vector = write_word(p + i, words[i]);
	if (vector == NO_FAULT)
		vector = read_words(p, now);
	if (vector == NO_FAULT && memcmp(words, now, sizeof(now)))
		vector = 0;
	return vector;
}

static unsigned long steal(const u64 *p, u64 *words, u64 *result)
{
	unsigned long vector = read_words(p, words);
	siphash_key_t key;

	if (vector != NO_FAULT)
		return vector;
	memcpy(key.key, words, sizeof(key.key));
	*result = siphash_1u64(number, &key);
	return vector;
}

static unsigned long spoil(u64 *p, u64 *words)
{
	memset(words, 0x5a, WORDS * sizeof(*words));
	return write_words(p, words);
}

/* mov $number, %rax; ret; int3 */
static unsigned long patch(u64 *p, u64 *words)
{
	u8 *code = (u8 *)words;

	memset(code, 0xcc, WORDS * sizeof(*words));
	code[0] = 0x48;
	code[1] = 0xb8;
	memcpy(code + 2, &number, sizeof(number));
	code[10] = 0xc3;
	return write_words(p, words);
}

static int attack(u64 *p)
{
	unsigned long vector;
	u64 words[WORDS] = {};
	u64 result = 0;

	if (!strcmp(action, "steal"))
		vector = steal(p, words, &result);
	else if (!strcmp(action, "spoil"))
		vector = spoil(p, words);
	else if (!strcmp(action, "patch"))
		vector = patch(p, words);
	else
		return -EINVAL;

	if (vector == NO_FAULT)
		snprintf(report_text, sizeof(report_text),
			 "done %016llx %016llx 0x%016llx", words[0], words[1],
			 result);
	else
		snprintf(report_text, sizeof(report_text), "fault %lu", vector);
	pr_info("%s %s at 0x%lx: %s\n", action, through, target_pa, report);
	return 0;
}

static int attack_alias(void)
{
	struct page *page = pfn_to_page(PHYS_PFN(target_pa));
	void *p = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	int ret;

	if (!p)
		return -ENOMEM;
	ret = attack(p + offset_in_page(target_pa));
	vunmap(p);
	return ret;
}

static int __init attacker_init(void)
{
	if (!pfn_valid(PHYS_PFN(target_pa)) || target_pa % sizeof(u64))
		return -EINVAL;
	if (!strcmp(through, "direct"))
		return attack(phys_to_virt(target_pa));
	if (!strcmp(through, "alias"))
		return attack_alias();
	return -EINVAL;
}

static void __exit attacker_exit(void)
{
}

module_init(attacker_init);
module_exit(attacker_exit);

MODULE_DESCRIPTION("kvm-vtl demo: attacker in VTL0");
MODULE_LICENSE("GPL");
