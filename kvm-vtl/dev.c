// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-vtl - /dev/kvm-vtl
 *
 * An open file takes the KVM API.  While it offers VTL0 only, it is /dev/kvm:
 * KVM's own descriptors are handed out and no hook is installed.
 */
#include <linux/fs.h>
#include <linux/kvm_host.h>
#include <linux/kvm_vtl.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include "common.h"
#include "dev.h"
#include "forward.h"
#include "partition.h"
#include "uapi.h"
#include "vendor.h"

static unsigned int default_max_vtl;
module_param(default_max_vtl, uint, 0644);
MODULE_PARM_DESC(default_max_vtl,
		 "highest VTL that a newly opened /dev/kvm-vtl offers (0)");

/**
 * struct vtl_dev - an open /dev/kvm-vtl
 * @lock: protects the other members
 * @kvm: open file of /dev/kvm, NULL before the first KVM command
 * @offer: what VMs of this file may enable; fixed once @kvm is set, because
 *	everything the file reports depends on it
 */
struct vtl_dev {
	struct mutex lock;	/* see above */
	struct file *kvm;
	struct vtl_offer offer;
};

/* What a partition may have or not, of the features of the host */
static u64 optional_features(void)
{
	return vtl_vendor()->has_mbec() ? KVM_VTL_FEATURE_MBEC : 0;
}

static int get_info(void *object, void *arg)
{
	struct vtl_dev *dev = object;
	struct kvm_vtl_info *info = arg;

	info->out_abi = KVM_VTL_ABI;
	info->out_vendor = vtl_vendor()->id;
	info->out_features = KVM_VTL_FEATURE_VSM | optional_features();
	info->out_errata = 0;
	info->out_max_vtl = VTL_MAX;
	info->out_config_max_vtl = dev->offer.max_vtl;
	return 0;
}

static int configure(void *object, void *arg)
{
	struct vtl_dev *dev = object;
	struct kvm_vtl_config *config = arg;
	int ret = 0;

	if (config->__reserved || (config->features & ~KVM_VTL_FEATURE_MBEC))
		return -EINVAL;
	if (config->max_vtl > VTL_MAX ||
	    (config->features & ~optional_features()))
		return -EOPNOTSUPP;

	mutex_lock(&dev->lock);
	if (dev->kvm) {
		ret = -EBUSY;
	} else {
		dev->offer.max_vtl = config->max_vtl;
		dev->offer.features = config->features;
		dev->offer.exact = true;
	}
	mutex_unlock(&dev->lock);
	return ret;
}

static const struct vtl_own_ioctl own_ioctls[] = {
	{ KVM_VTL_GET_INFO,
	  offsetofend(struct kvm_vtl_info, out_config_max_vtl), get_info },
	{ KVM_VTL_CONFIGURE,
	  offsetofend(struct kvm_vtl_config, features), configure },
};

/*
 * By path and with the caller's rights, because KVM exports no other way.  A
 * caller in a mount namespace of its own may have put anything there: insist
 * on KVM's device number.
 */
static struct file *open_kvm(void)
{
	struct file *file = filp_open("/dev/kvm", O_RDWR | O_CLOEXEC, 0);
	struct inode *inode;

	if (IS_ERR(file))
		return file;
	inode = file_inode(file);
	if (!S_ISCHR(inode->i_mode) ||
	    inode->i_rdev != MKDEV(MISC_MAJOR, KVM_MINOR) ||
	    !file->f_op->unlocked_ioctl) {
		fput(file);
		return ERR_PTR(-ENODEV);
	}
	return file;
}

/*
 * Not at open: misc devices are opened under a mutex that opening /dev/kvm
 * takes, too.
 */
static int need_kvm(struct vtl_dev *dev)
{
	struct file *file;
	int ret = 0;

	mutex_lock(&dev->lock);
	if (!dev->kvm) {
		file = open_kvm();
		if (IS_ERR(file))
			ret = PTR_ERR(file);
		else
			dev->kvm = file;
	}
	mutex_unlock(&dev->lock);
	return ret;
}

static long dev_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vtl_dev *dev = file->private_data;
	int ret;

	if (vtl_uapi_is_own(cmd))
		return vtl_uapi_call(own_ioctls, ARRAY_SIZE(own_ioctls), dev,
				     cmd, arg);
	ret = need_kvm(dev);
	if (ret)
		return ret;
	return vtl_forward_dev(dev->kvm, &dev->offer, cmd, arg);
}

static int dev_open(struct inode *inode, struct file *file)
{
	struct vtl_dev *dev;

	dev = kzalloc(sizeof(*dev), GFP_KERNEL_ACCOUNT);
	if (!dev)
		return -ENOMEM;
	mutex_init(&dev->lock);
	dev->offer.max_vtl = min_t(unsigned int, READ_ONCE(default_max_vtl),
				   VTL_MAX);
	dev->offer.features = optional_features();
	file->private_data = dev;
	return 0;
}

static int dev_release(struct inode *inode, struct file *file)
{
	struct vtl_dev *dev = file->private_data;

	if (dev->kvm)
		fput(dev->kvm);
	mutex_destroy(&dev->lock);
	kfree(dev);
	return 0;
}

static const struct file_operations dev_fops = {
	.owner		= THIS_MODULE,
	.open		= dev_open,
	.release	= dev_release,
	.unlocked_ioctl	= dev_ioctl,
	.llseek		= noop_llseek,
};

static struct miscdevice vtl_misc = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "kvm-vtl",
	.fops	= &dev_fops,
	.mode	= 0600,
};

/**
 * vtl_dev_init - register the device
 *
 * Return: 0 or an error of the misc layer.
 */
int __init vtl_dev_init(void)
{
	return misc_register(&vtl_misc);
}

/**
 * vtl_dev_exit - remove the device, of which no file is open
 */
void vtl_dev_exit(void)
{
	misc_deregister(&vtl_misc);
}
