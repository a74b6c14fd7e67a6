// SPDX-License-Identifier: GPL-2.0-only
/*
 * /proc/tqueue: a table of all queues for people, one line each, sorted by
 * name.  The two lines above it show the time, and the time since the table was
 * last read, so that two readings give a rate.  A reading begins at offset 0.
 *
 * No lock is held between lines.  The numbers of one line are consistent, and a
 * queue that exists all the time is listed once.
 */
#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "tqueue.h"

/* The state of one reader.  The lock of the seq_file guards it. */
struct tq_proc {
	struct tqueue_info info;	/* of the next line */
	loff_t line;			/* its number, or that of the end */
	bool ended;
	bool begins;			/* a reading begins */
	struct timespec64 clock;	/* when this reading began */
	s64 elapsed;			/* since the one before, or -1 */
};

/*
 * When the table was last read, or the time was reset: CLOCK_BOOTTIME,
 * nanoseconds.  0: never.
 */
static atomic64_t tq_proc_read = ATOMIC64_INIT(0);

static void *tq_proc_line(struct tq_proc *proc)
{
	return proc->ended ? NULL : &proc->info;
}

static void *tq_proc_start(struct seq_file *seq, loff_t *pos)
{
	struct tq_proc *proc = seq->private;

	if (!*pos)
		return SEQ_START_TOKEN;
	/* seq_file goes back only to the first line. */
	return *pos == proc->line ? tq_proc_line(proc) : NULL;
}

static void *tq_proc_next(struct seq_file *seq, void *v, loff_t *pos)
{
	struct tq_proc *proc = seq->private;

	if (v == SEQ_START_TOKEN)
		proc->info.name[0] = '\0';
	proc->ended = tq_control_next(&proc->info);
	proc->line = ++*pos;
	return tq_proc_line(proc);
}

static void tq_proc_stop(struct seq_file *seq, void *v)
{
}

/* Take the time of a reading.  Its first lines may be shown several times. */
static void tq_proc_take_time(struct tq_proc *proc)
{
	s64 now = ktime_get_boottime_ns();
	s64 last;

	if (READ_ONCE(proc->begins)) {
		WRITE_ONCE(proc->begins, false);
		last = atomic64_xchg(&tq_proc_read, now);
	} else if (!proc->clock.tv_sec) {
		/* The file was never read at offset 0. */
		last = atomic64_read(&tq_proc_read);
	} else {
		return;
	}
	ktime_get_real_ts64(&proc->clock);
	/* Two readers at once may see each other's time. */
	proc->elapsed = last ? max(now - last, 0LL) : -1;
}

static void tq_proc_head(struct seq_file *seq)
{
	struct tq_proc *proc = seq->private;
	u64 seconds;
	u32 rest;

	tq_proc_take_time(proc);
	seq_printf(seq, "current time: %lld.%09ld\n",
		   (long long)proc->clock.tv_sec, proc->clock.tv_nsec);
	if (proc->elapsed >= 0) {
		seconds = div_u64_rem(proc->elapsed, NSEC_PER_SEC, &rest);
		seq_printf(seq, "elapsed time: %llu.%09u\n", seconds, rest);
	}
	seq_printf(seq, "%-16s %-8s %8s %10s %10s %9s %8s %8s %8s %10s %8s %8s %8s %10s %10s %8s %8s\n",
		   "NAME", "STATE", "MESSAGES", "BYTES", "SIZE", "IN-FLIGHT",
		   "LEASED", "DELAYED", "BURIED", "RECEIVED", "DROPPED",
		   "READERS", "WRITERS", "SENT", "ACKED", "REQUEUED",
		   "EXPIRED");
}

static const char *tq_proc_state(u32 state)
{
	if (state & TQUEUE_STATE_STOPPED)
		return "stopped";
	return state & TQUEUE_STATE_PAUSED ? "paused" : "started";
}

static int tq_proc_show(struct seq_file *seq, void *v)
{
	const struct tqueue_info *info = v;

	if (v == SEQ_START_TOKEN) {
		tq_proc_head(seq);
		return 0;
	}
	seq_printf(seq, "%-16s %-8s %8llu %10llu %10llu %9u %8llu %8llu %8llu %10llu %8llu %8u %8u %10llu %10llu %8llu %8llu\n",
		   info->name, tq_proc_state(info->state), info->messages,
		   info->bytes, info->size, info->in_flight, info->leased,
		   info->delayed, info->buried, info->received, info->dropped,
		   info->readers, info->writers, info->sent,
		   info->ever_acknowledged, info->ever_requeued,
		   info->ever_expired);
	return 0;
}

static const struct seq_operations tq_proc_seq_ops = {
	.start	= tq_proc_start,
	.next	= tq_proc_next,
	.stop	= tq_proc_stop,
	.show	= tq_proc_show,
};

static int tq_proc_open(struct inode *inode, struct file *filp)
{
	return seq_open_private(filp, &tq_proc_seq_ops, sizeof(struct tq_proc));
}

static ssize_t tq_proc_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct seq_file *seq = iocb->ki_filp->private_data;
	struct tq_proc *proc = seq->private;

	if (!iocb->ki_pos)
		WRITE_ONCE(proc->begins, true);
	return seq_read_iter(iocb, to);
}

/* "reset": the next reading shows the time elapsed since now. */
static ssize_t tq_proc_write(struct file *filp, const char __user *buf,
			     size_t count, loff_t *pos)
{
	char word[sizeof("reset\n")] = "";

	if (count >= sizeof(word))
		return -EINVAL;
	if (copy_from_user(word, buf, count))
		return -EFAULT;
	if (!sysfs_streq(word, "reset"))
		return -EINVAL;
	atomic64_set(&tq_proc_read, ktime_get_boottime_ns());
	return count;
}

static const struct proc_ops tq_proc_ops = {
	.proc_open	= tq_proc_open,
	.proc_read_iter	= tq_proc_read_iter,
	.proc_write	= tq_proc_write,
	.proc_lseek	= seq_lseek,
	.proc_release	= seq_release_private,
};

/**
 * tq_proc_init - make /proc/tqueue
 *
 * Context: Process context, may sleep.
 * Return: 0; -ENOMEM.
 */
int tq_proc_init(void)
{
	if (!IS_ENABLED(CONFIG_PROC_FS))
		return 0;
	return proc_create(TQ_NAME, 0644, NULL, &tq_proc_ops) ? 0 : -ENOMEM;
}

/**
 * tq_proc_exit - undo tq_proc_init()
 *
 * No read is in progress when this returns.  Later reads of open files get EIO.
 *
 * Context: Process context, may sleep.
 */
void tq_proc_exit(void)
{
	remove_proc_entry(TQ_NAME, NULL);
}
