// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading, unloading and the parameters of the module.
 *
 * Loading makes the default queue, /dev/tqueue.  The module stays loaded while
 * a file is open on a queue or a queue holds messages: see tq_file_close().
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ctype.h>
#include <linux/delay.h>
#include <linux/init.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "charge.h"
#include "compat.h"
#include "due.h"
#include "tqueue.h"

#define TQ_TITLE_MAX 63

static char *name = TQ_NAME;
module_param(name, charp, 0444);
MODULE_PARM_DESC(name,
		 "Name of this machine's default queue in the kernel log: up to "
		 __stringify(TQ_TITLE_MAX) " printable ASCII characters (default: " TQ_NAME ")");

static unsigned long size_l = SZ_2M;
module_param(size_l, ulong, 0444);
MODULE_PARM_DESC(size_l,
		 "Size of the default queue's ring in bytes, rounded up to a power of two of whole pages: 1 to 1073741824 (default: 2097152)");

static unsigned long max_message;
module_param(max_message, ulong, 0444);
MODULE_PARM_DESC(max_message,
		 "Longest message of the default queue in bytes: up to size_l / 4 - 40; 0 means that maximum (default: 0)");

unsigned int tq_max_queues = 1024;
module_param_named(max_queues, tq_max_queues, uint, 0644);
MODULE_PARM_DESC(max_queues,
		 "Maximum number of queues under /dev/tq: up to 65535 (default: 1024)");

unsigned long tq_max_memory;
module_param_named(max_memory, tq_max_memory, ulong, 0644);
MODULE_PARM_DESC(max_memory,
		 "Maximum total size in bytes of the rings of all queues under /dev/tq; 0 means a quarter of the machine's memory (default: 0)");

static struct tqueue *tq_default;

/* Loading cannot fail any more. */
static bool tq_loaded;

/**
 * tq_may_open - whether the devices may be opened
 *
 * A device can be found as soon as it is registered.  If loading failed after
 * that, an open file would use freed code.
 *
 * Context: Any.
 * Return: whether loading has succeeded.
 */
bool tq_may_open(void)
{
	/* Acquire: everything that loading made is there. */
	return smp_load_acquire(&tq_loaded);
}

/* Loading fails: wait for opens that are about to be refused. */
static void __init tq_wait_opens(void)
{
	while (module_refcount(THIS_MODULE) > 1)
		msleep(20);
}

static bool __init tq_title_valid(const char *title)
{
	size_t length = strnlen(title, TQ_TITLE_MAX + 1);

	if (!length || length > TQ_TITLE_MAX)
		return false;
	while (length--)
		if (!isascii(title[length]) || !isprint(title[length]))
			return false;
	return true;
}

/* Check the parameters, and round size_l up to the size in use. */
static int __init tq_check_parameters(void)
{
	unsigned long most;

	if (!tq_title_valid(name)) {
		pr_err("name must be 1 to %d printable ASCII characters\n",
		       TQ_TITLE_MAX);
		return -EINVAL;
	}
	if (!size_l || size_l > TQ_RING_SIZE_MAX) {
		pr_err("size_l=%lu is out of range: 1 to %lu bytes\n",
		       size_l, TQ_RING_SIZE_MAX);
		return -EINVAL;
	}
	size_l = max(roundup_pow_of_two(size_l), PAGE_SIZE);

	most = tq_length_max(size_l);
	if (max_message > most) {
		pr_err("max_message=%lu is out of range: a ring of size_l=%lu takes messages of up to %lu bytes\n",
		       max_message, size_l, most);
		return -EINVAL;
	}
	return 0;
}

static int __init tq_init(void)
{
	struct tqueue_config config = {
		.fields = TQUEUE_CONFIG_SIZE | TQUEUE_CONFIG_MAX_MESSAGE,
	};
	struct tqueue *queue;
	int ret;

	if (tq_cache_is_aliasing()) {
		pr_err("the data cache of this processor has aliases, so a ring cannot be mapped twice\n");
		return -EOPNOTSUPP;
	}
	ret = tq_check_parameters();
	if (ret)
		return ret;
	ret = tq_device_init();
	if (ret)
		return ret;
	ret = tq_due_start();
	if (ret)
		goto exit_device;
	ret = tq_proc_init();
	if (ret)
		goto stop_due;

	config.size = size_l;
	config.max_message = max_message;
	/*
	 * The administrator chose this size, so it does not count towards
	 * max_memory.
	 */
	queue = tq_queue_create(&config, size_l);
	if (IS_ERR(queue)) {
		ret = PTR_ERR(queue);
		if (ret == -ENOMEM)
			pr_err("no memory for a ring of size_l=%lu bytes\n",
			       size_l);
		goto exit_proc;
	}
	ret = tq_default_add(queue);
	if (ret)
		goto exit_proc;
	ret = tq_control_init();
	if (ret)
		goto del_default;
	tq_default = queue;
	/* Release: see tq_may_open(). */
	smp_store_release(&tq_loaded, true);
	pr_info("%s: ring of %lu bytes, messages of up to %lu bytes\n",
		name, size_l, queue->policy.max_message);
	return 0;

del_default:
	tq_default_del(queue);
	tq_wait_opens();
exit_proc:
	tq_proc_exit();
stop_due:
	tq_due_stop();
exit_device:
	tq_device_exit();
	return ret;
}
module_init(tq_init);

static void __exit tq_exit(void)
{
	tq_control_exit();
	tq_default_del(tq_default);
	tq_proc_exit();
	tq_due_stop();
	tq_device_exit();
}
module_exit(tq_exit);

MODULE_DESCRIPTION("Queues with a name under /dev");
MODULE_AUTHOR("The tqueue maintainers");
MODULE_VERSION("0.2.0");
MODULE_LICENSE("GPL");
