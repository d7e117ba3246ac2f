// SPDX-License-Identifier: GPL-2.0-only
/*
 * VTL0 - loads the secure kernel, hands it a secret, and passes questions on.
 *
 * Where VSM is offered the secure kernel runs in VTL1 and closes its memory.
 * Elsewhere the same image lies in the same kind of memory, its service is an
 * ordinary function of this kernel, and page tables protect its code.
 *
 * User space talks to it through parameters in sysfs:
 *
 *	question	at loading: a number, to which
 *	expected	is the right answer
 *	mode		"vtl1" or "vtl0": where the service runs
 *	secret_pa	physical address of the secret
 *	mac_pa		physical address of the service's code
 *	ask		write a number, read "STATUS ANSWER"
 *	intercepts	read "COUNT GPA ACCESS", as VTL1 counts them
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpumask.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/siphash.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "sk.h"
#include "vsm.h"

extern const u8 sk_image[], sk_image_end[];

static struct sk_header *image;
static u64 (*plain_mac)(const u64 *secret, u64 number);
static unsigned long secret_pa, mac_pa;
static char *mode = "none";
static unsigned long long question, expected;
static u64 answer_status, answer;

module_param(question, ullong, 0444);
module_param(expected, ullong, 0444);
module_param(mode, charp, 0444);
module_param(secret_pa, ulong, 0444);
module_param(mac_pa, ulong, 0444);

static void *image_at(u32 offset)
{
	return (void *)image + offset;
}

static int load_image(void)
{
	const struct sk_header *header = (const void *)sk_image;

	if (header->magic != SK_MAGIC)
		return -ENOEXEC;
	image = alloc_pages_exact(header->pages * PAGE_SIZE,
				  GFP_KERNEL | GFP_DMA32 | __GFP_ZERO);
	if (!image)
		return -ENOMEM;
	memcpy(image, sk_image, sk_image_end - sk_image);
	secret_pa = virt_to_phys(image_at(image->secret));
	mac_pa = virt_to_phys(image_at(image->mac));
	return 0;
}

/* One service of VTL1 */

static int serve(u64 service, u64 a, u64 b)
{
	struct vsm_call call = { .service = service, .args = { a, b } };

	vsm_call(&call);
	memzero_explicit(&call.args[1], sizeof(call.args[1]));
	if (call.args[0])
		pr_err("service %llu: status 0x%llx\n", service, call.args[0]);
	return call.args[0] ? -EIO : 0;
}

static int start_in_vtl1(const u64 *secret)
{
	int ret;

	/* VTL1 is enabled on one VP; all calls must come from there. */
	if (num_online_cpus() != 1) {
		pr_err("the demo is made for one CPU\n");
		return -EOPNOTSUPP;
	}
	ret = vsm_start(image);
	if (!ret)
		ret = serve(SK_SET_SECRET, secret[0], secret[1]);
	if (!ret)
		ret = serve(SK_SEAL, 0, 0);
	mode = "vtl1";
	return ret;
}

/* Executable and read-only, as kernel code is; vmap() alone never gives X. */
static void *map_code(void)
{
	struct page *page = virt_to_page(image);
	void *code = vmap(&page, 1, VM_MAP, PAGE_KERNEL_RO);
	unsigned int level;
	pte_t *pte;

	if (!code)
		return NULL;
	pte = lookup_address((unsigned long)code, &level);
	set_pte(pte, pte_mkexec(*pte));
	return code;
}

/* Without VTL1 the service is a function of Linux. */
static int start_in_vtl0(const u64 *secret)
{
	void *code = map_code();

	if (!code)
		return -ENOMEM;
	plain_mac = code + image->mac;
	memcpy(image_at(image->secret), secret, 2 * sizeof(*secret));
	mode = "vtl0";
	return 0;
}

/* The service's checksum is one that Linux has, too. */
static int start(void)
{
	siphash_key_t secret;
	int ret;

	get_random_bytes(&secret, sizeof(secret));
	expected = siphash_1u64(question, &secret);
	ret = vsm_is_offered() ? start_in_vtl1(secret.key) :
				 start_in_vtl0(secret.key);
	memzero_explicit(&secret, sizeof(secret));
	return ret;
}

static int ask(const char *text, const struct kernel_param *kp)
{
	struct vsm_call call = { .service = SK_MAC };
	int ret;

	ret = kstrtou64(text, 0, &call.args[0]);
	if (ret)
		return ret;
	if (!image)
		return -EBUSY;
	if (plain_mac) {
		answer_status = SK_OK;
		answer = plain_mac(image_at(image->secret), call.args[0]);
		return 0;
	}
	vsm_call(&call);
	answer_status = call.args[0];
	answer = call.args[1];
	return 0;
}

static int show_answer(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%llu 0x%016llx\n", answer_status, answer);
}

static const struct kernel_param_ops ask_ops = {
	.set = ask, .get = show_answer,
};
module_param_cb(ask, &ask_ops, NULL, 0600);

static int show_intercepts(char *buffer, const struct kernel_param *kp)
{
	static const char * const names[] = {
		[SK_ACCESS_READ] = "read", [SK_ACCESS_WRITE] = "write",
		[SK_ACCESS_EXECUTE] = "execute",
	};
	struct vsm_call call = { .service = SK_STATUS };
	const char *access = "unknown";

	if (!image || plain_mac)
		return sysfs_emit(buffer, "0 0x0 none\n");
	vsm_call(&call);
	if (!call.args[1])
		access = "none";
	else if (call.args[3] < ARRAY_SIZE(names))
		access = names[call.args[3]];
	return sysfs_emit(buffer, "%llu 0x%llx %s\n", call.args[1],
			  call.args[2], access);
}

static const struct kernel_param_ops intercepts_ops = {
	.get = show_intercepts,
};
module_param_cb(intercepts, &intercepts_ops, NULL, 0400);

/* No exit function: pages that VTL1 has closed cannot be given back. */
static int __init loader_init(void)
{
	int ret = load_image();

	return ret ?: start();
}
module_init(loader_init);

MODULE_DESCRIPTION("kvm-vtl demo: loader of the secure kernel");
MODULE_LICENSE("GPL");
