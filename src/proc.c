// SPDX-License-Identifier: GPL-2.0-only
/*
 * /proc/tqueue: a table of all queues for people, one line each, sorted by
 * name.  The first line shows the time, and how long ago the table was last
 * read, so that two readings give a rate.
 *
 * No lock is held between lines.  The numbers of one line belong together, and
 * a queue that exists all the time is listed once.
 */
#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/timekeeping.h>

#include "tqueue.h"

/* The state of one reader.  The lock of the seq_file guards it. */
struct tq_proc {
	struct tqueue_info info;	/* of the next line */
	loff_t line;			/* its number, or that of the end */
	bool ended;
};

/* When the table was last read: CLOCK_BOOTTIME, nanoseconds.  0: never. */
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

static void tq_proc_head(struct seq_file *seq)
{
	s64 now = ktime_get_boottime_ns();
	s64 last = atomic64_xchg(&tq_proc_read, now);
	struct timespec64 clock;
	u32 rest;

	ktime_get_real_ts64(&clock);
	seq_printf(seq, "time %ptTs.%06lu UTC, ", &clock.tv_sec,
		   clock.tv_nsec / NSEC_PER_USEC);
	if (last) {
		/* Two readers at once may see each other's time. */
		u64 seconds = div_u64_rem(max(now - last, 0LL), NSEC_PER_SEC,
					  &rest);

		seq_printf(seq, "%llu.%06lu s after the last reading\n",
			   seconds, rest / NSEC_PER_USEC);
	} else {
		seq_puts(seq, "first reading\n");
	}
	seq_printf(seq, "%-16s %-8s %8s %10s %10s %9s %8s %8s %8s %10s %8s %8s %8s\n",
		   "NAME", "STATE", "MESSAGES", "BYTES", "SIZE", "IN-FLIGHT",
		   "LEASED", "DELAYED", "BURIED", "RECEIVED", "DROPPED",
		   "READERS", "WRITERS");
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
	seq_printf(seq, "%-16s %-8s %8llu %10llu %10llu %9u %8llu %8llu %8llu %10llu %8llu %8u %8u\n",
		   info->name, tq_proc_state(info->state), info->messages,
		   info->bytes, info->size, info->in_flight, info->leased,
		   info->delayed, info->buried, info->received, info->dropped,
		   info->readers, info->writers);
	return 0;
}

static const struct seq_operations tq_proc_ops = {
	.start	= tq_proc_start,
	.next	= tq_proc_next,
	.stop	= tq_proc_stop,
	.show	= tq_proc_show,
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
	return proc_create_seq_private(TQ_NAME, 0444, NULL, &tq_proc_ops,
				       sizeof(struct tq_proc), NULL) ?
	       0 : -ENOMEM;
}

/**
 * tq_proc_exit - undo tq_proc_init()
 *
 * Nobody reads the file when this returns.  Readers that have it open get EIO.
 *
 * Context: Process context, may sleep.
 */
void tq_proc_exit(void)
{
	remove_proc_entry(TQ_NAME, NULL);
}
