// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - resolve, install and remove the redirections of hook_list.h
 *
 * One ftrace op redirects all functions: with IPMODIFY (one redirection per
 * function, as for livepatch) and PERMANENT (ftrace_enabled=0 cannot switch it
 * off); it is registered or it is not, so that hooking is all or nothing, and
 * removal waits once.  The callback redirects a call only when its VM belongs
 * to a partition with VTLs: other VMs never execute text of this module but the
 * callback, for which ftrace itself waits when the op is removed.
 *
 * Originals are entered behind their ftrace site, by static call.  So an
 * original is not traced a second time, needs no recursion check, and no
 * indirect call can meet a function whose ENDBR was sealed at boot.
 *
 * Addresses are resolved anew for each installation: kvm.ko may have been
 * unloaded in between.  While hooks are installed the caller holds an open
 * file of KVM, which pins the vendor module and thereby kvm.ko.
 */
#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/srcu.h>
#include <linux/stringify.h>

#include "hooks.h"
#include "partition.h"
#include "vendor.h"

/* Bytes of the call or NOP that the compiler puts at a traced entry. */
#define FENTRY_SIZE	5

/**
 * struct hook - one redirected function
 * @ip: address of its ftrace site while hooks are installed
 * @body: vtl_hook_<target>()
 * @key: how to find the VM
 * @next: next hook with the same hash
 */
struct hook {
	unsigned long ip;
	unsigned long body;
	enum vtl_hook_key key;
	struct hook *next;
};

/* Owner of the functions that are in no module */
#define KERNEL		"vmlinux"

/**
 * struct symbol - one function of hook_list.h
 * @name: "module:symbol"
 * @static_call_key: key of the static call to the original
 * @tramp: its trampoline
 * @hook: the redirection, NULL for functions that are only called
 */
struct symbol {
	const char *name;
	struct static_call_key *static_call_key;
	void *tramp;
	struct hook *hook;
};

#define VTL_HOOK(owner, target, key, ret, params, args)			\
	DEFINE_STATIC_CALL_NULL(vtl_sc_##target, vtl_hook_##target);
#define VTL_CALL(owner, target, ret, params, args)			\
	DEFINE_STATIC_CALL_NULL(vtl_sc_##target, vtl_proto_##target);
#include "hook_list.h"
#undef VTL_HOOK
#undef VTL_CALL

#define VTL_HOOK(owner, target, key_, ret, params, args)		\
	static struct hook hook_of_##target = {				\
		.body = (unsigned long)vtl_hook_##target,		\
		.key = key_,						\
	};
#define VTL_CALL(owner, target, ret, params, args)
#include "hook_list.h"
#undef VTL_HOOK
#undef VTL_CALL

#define VTL_HOOK(owner, target, key, ret, params, args)			\
	{ owner ":" __stringify(target),				\
	  &STATIC_CALL_KEY(vtl_sc_##target),				\
	  STATIC_CALL_TRAMP_ADDR(vtl_sc_##target), &hook_of_##target },
#define VTL_CALL(owner, target, ret, params, args)			\
	{ owner ":" __stringify(target),				\
	  &STATIC_CALL_KEY(vtl_sc_##target),				\
	  STATIC_CALL_TRAMP_ADDR(vtl_sc_##target), NULL },
static const struct symbol symbols[] = {
#include "hook_list.h"
};

#undef VTL_HOOK
#undef VTL_CALL

/* From the address of an ftrace site to its hook. */
#define HOOK_HASH_BITS	7
static struct hook *hook_hash[1 << HOOK_HASH_BITS];

static struct ftrace_ops hook_ops;

static DEFINE_MUTEX(hooks_lock);
/* Partitions that need the hooks; protected by hooks_lock. */
static unsigned int hooks_users;
/* ftrace did not give them back: they stay, and so does the module. */
static bool hooks_stuck;

/*
 * Held for reading by hook bodies that may sleep outside a file operation of
 * this module.  Unloading waits for them before the text can go.
 */
DEFINE_STATIC_SRCU(hooks_srcu);

/**
 * vtl_hooks_enter - enter the body of a hook that may sleep
 *
 * Context: any context in which SRCU may be read.
 * Return: the value for vtl_hooks_leave().
 */
int vtl_hooks_enter(void)
{
	return srcu_read_lock(&hooks_srcu);
}

/**
 * vtl_hooks_leave - leave the body of a hook that may sleep
 * @idx: what vtl_hooks_enter() returned
 */
void vtl_hooks_leave(int idx)
{
	srcu_read_unlock(&hooks_srcu, idx);
}

static __always_inline struct kvm *call_kvm(enum vtl_hook_key key,
					    unsigned long arg)
{
	struct kvm_vcpu *vcpu;

	switch (key) {
	case VTL_HOOK_BY_KVM:
		return (struct kvm *)arg;
	case VTL_HOOK_BY_VCPU:
		vcpu = (struct kvm_vcpu *)arg;
		break;
	case VTL_HOOK_BY_CTXT:
		/* KVM-INTERNAL: struct x86_emulate_ctxt::vcpu is first. */
		vcpu = *(struct kvm_vcpu **)arg;
		break;
	default:
		vcpu = static_call(vtl_sc_kvm_get_running_vcpu)();
		break;
	}
	return vcpu ? vcpu->kvm : NULL;
}

static struct hook **hash_bucket(unsigned long ip)
{
	/* Functions are aligned to 16 bytes. */
	return &hook_hash[(ip >> 4) & ((1 << HOOK_HASH_BITS) - 1)];
}

/*
 * Nothing else protects the look-up: ftrace calls the callback of a single op
 * without disabling preemption.
 */
static bool notrace is_ours(struct kvm *kvm)
{
	bool ours;

	preempt_disable_notrace();
	ours = vtl_registry_find_rcu(kvm);
	preempt_enable_notrace();
	return ours;
}

static void notrace hook_callback(unsigned long ip, unsigned long parent_ip,
				  struct ftrace_ops *ops,
				  struct ftrace_regs *fregs)
{
	struct hook *hook = *hash_bucket(ip);
	struct kvm *kvm;

	while (hook->ip != ip)
		hook = hook->next;
	kvm = call_kvm(hook->key, ftrace_regs_get_argument(fregs, 0));
	if (kvm && is_ours(kvm))
		ftrace_regs_set_instruction_pointer(fregs, hook->body);
}

/*
 * A disarmed kprobe is the exported way to a symbol's address within one
 * module.  The address is that of the ftrace site: kprobes step over ENDBR.
 */
static unsigned long find_symbol(const char *name)
{
	struct kprobe kp = {
		.symbol_name = name + str_has_prefix(name, KERNEL ":"),
		.flags = KPROBE_FLAG_DISABLED,
	};
	unsigned long addr;
	int ret;

	ret = register_kprobe(&kp);
	if (ret) {
		pr_err("%s: no such function in this kernel (%d)\n", name, ret);
		return 0;
	}
	addr = (unsigned long)kp.addr;
	unregister_kprobe(&kp);
	return addr;
}

/* Not exported: found as KVM's functions are. */
DEFINE_STATIC_CALL_NULL(sc_on_each_symbol, module_kallsyms_on_each_symbol);

static bool is_in(const struct symbol *symbol, const char *module)
{
	size_t len = strlen(module);

	return !strncmp(symbol->name, module, len) && symbol->name[len] == ':';
}

/* Half of the list is about the other vendor's CPUs. */
static bool is_in_use(const struct symbol *symbol)
{
	return is_in(symbol, KERNEL) || is_in(symbol, "kvm") ||
	       is_in(symbol, vtl_vendor()->kvm_module);
}

/**
 * struct census - how often the symbols of a module are there
 * @module: name
 * @counts: per symbol
 */
struct census {
	const char *module;
	unsigned int *counts;
};

static int count_symbol(void *data, const char *name, unsigned long addr)
{
	struct census *census = data;
	int i;

	for (i = 0; i < ARRAY_SIZE(symbols); i++)
		if (is_in(&symbols[i], census->module) &&
		    !strcmp(name, strchr(symbols[i].name, ':') + 1))
			census->counts[i]++;
	return 0;
}

static void count_symbols(const char *module, unsigned int *counts)
{
	struct census census = { module, counts };

	static_call(sc_on_each_symbol)(module, count_symbol, &census);
}

/* A kprobe takes the first of several functions with one name. */
static int check_unique(void)
{
	unsigned int *counts __free(kfree) = NULL;
	unsigned long addr;
	int i;

	counts = kcalloc(ARRAY_SIZE(symbols), sizeof(*counts), GFP_KERNEL);
	if (!counts)
		return -ENOMEM;
	addr = find_symbol("module_kallsyms_on_each_symbol");
	if (!addr)
		return -ENOENT;
	__static_call_update(&STATIC_CALL_KEY(sc_on_each_symbol),
			     STATIC_CALL_TRAMP_ADDR(sc_on_each_symbol),
			     (void *)addr);
	count_symbols("kvm", counts);
	count_symbols(vtl_vendor()->kvm_module, counts);

	for (i = 0; i < ARRAY_SIZE(symbols); i++)
		if (counts[i] > 1) {
			pr_err("%s: ambiguous in this kernel\n",
			       symbols[i].name);
			return -ENOENT;
		}
	return 0;
}

static bool is_fentry_site(unsigned long addr)
{
	static const u8 nop[FENTRY_SIZE] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };
	const u8 *insn = (const u8 *)addr;

	return insn[0] == 0xe8 || !memcmp(insn, nop, sizeof(nop));
}

static void remove_all(void)
{
	if (unregister_ftrace_function(&hook_ops)) {
		pr_err("ftrace refuses to remove the hooks\n");
		hooks_stuck = true;
		__module_get(THIS_MODULE);
		return;
	}
	ftrace_free_filter(&hook_ops);
}

/**
 * vtl_hooks_exit - wait until nobody executes text of the module
 *
 * Removing the op waited for callbacks and for bodies that do not sleep.  A
 * leaked KVM descriptor can keep one of the others alive longer than its
 * partition: wait for it to be through, and for its way out of the body.
 *
 * Context: unload of the module; may sleep.
 */
void vtl_hooks_exit(void)
{
	synchronize_srcu(&hooks_srcu);
	synchronize_rcu_tasks();
}

/* ftrace does not say which function it was. */
static void report_conflict(void)
{
	pr_err("a function of KVM is redirected by a livepatch, or ftrace is disabled; see /sys/kernel/tracing/enabled_functions\n");
}

static int install_op(unsigned long *ips, unsigned int nr)
{
	int ret;

	/* Fresh: ftrace keeps pointers to the filters of the last time. */
	hook_ops = (struct ftrace_ops) {
		.func = hook_callback,
		.flags = FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_PERMANENT,
	};
	ret = ftrace_set_filter_ips(&hook_ops, ips, nr, 0, 0);
	if (ret) {
		pr_err("a function of KVM is not traceable (%d)\n", ret);
		return ret;
	}
	ret = register_ftrace_function(&hook_ops);
	if (ret) {
		if (ret == -EBUSY)
			report_conflict();
		else
			pr_err("ftrace refuses the hooks (%d)\n", ret);
		ftrace_free_filter(&hook_ops);
	}
	return ret;
}

static void add_to_hash(struct hook *hook, unsigned long ip)
{
	struct hook **bucket = hash_bucket(ip);

	hook->ip = ip;
	hook->next = *bucket;
	*bucket = hook;
}

static int resolve_all(unsigned long *addrs)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(symbols); i++) {
		unsigned long addr;

		if (!is_in_use(&symbols[i]))
			continue;
		addr = find_symbol(symbols[i].name);
		if (!addr)
			return -ENOENT;
		if (symbols[i].hook && !is_fentry_site(addr)) {
			pr_err("%s: not traceable in this kernel\n",
			       symbols[i].name);
			return -ENOENT;
		}
		addrs[i] = addr;
	}
	return 0;
}

/* Static calls before the op: a body must find its original. */
static unsigned int set_static_calls(const unsigned long *addrs,
				     unsigned long *ips)
{
	unsigned int i, nr = 0;

	memset(hook_hash, 0, sizeof(hook_hash));
	for (i = 0; i < ARRAY_SIZE(symbols); i++) {
		unsigned long addr = addrs[i];

		if (!addr)
			continue;
		if (symbols[i].hook) {
			add_to_hash(symbols[i].hook, addr);
			ips[nr++] = addr;
		}
		if (is_fentry_site(addr))
			addr += FENTRY_SIZE;
		__static_call_update(symbols[i].static_call_key,
				     symbols[i].tramp, (void *)addr);
	}
	return nr;
}

static int install_all(void)
{
	unsigned long *addrs __free(kfree) = NULL;
	unsigned long *ips __free(kfree) = NULL;
	int ret;

	addrs = kcalloc(ARRAY_SIZE(symbols), sizeof(*addrs), GFP_KERNEL);
	ips = kcalloc(ARRAY_SIZE(symbols), sizeof(*ips), GFP_KERNEL);
	if (!addrs || !ips)
		return -ENOMEM;
	ret = check_unique();
	if (!ret)
		ret = resolve_all(addrs);
	if (ret)
		return ret;
	return install_op(ips, set_static_calls(addrs, ips));
}

/**
 * vtl_hooks_get - install the hooks for one more partition
 *
 * Context: may sleep; the caller holds an open file of KVM until
 *	vtl_hooks_put().
 * Return: 0; -ENOENT when a function is missing or ambiguous in this kernel;
 *	-EBUSY when somebody else redirects one; another error of ftrace.  All
 *	or nothing.
 */
int vtl_hooks_get(void)
{
	int ret = 0;

	mutex_lock(&hooks_lock);
	if (!hooks_users)
		ret = hooks_stuck ? -EBUSY : install_all();
	if (!ret)
		hooks_users++;
	mutex_unlock(&hooks_lock);
	return ret;
}

/**
 * vtl_hooks_put - a partition is gone; the last one removes the hooks
 *
 * Context: may sleep.
 */
void vtl_hooks_put(void)
{
	mutex_lock(&hooks_lock);
	if (!--hooks_users)
		remove_all();
	mutex_unlock(&hooks_lock);
}
