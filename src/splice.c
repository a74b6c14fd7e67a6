// SPDX-License-Identifier: GPL-2.0-only
/*
 * splice() out of a queue and into it.
 *
 * The VFS locks the pipe before it calls tq_splice_read().  Other users of the
 * pipe wait for its lock, and cannot be killed meanwhile.  So if the queue is
 * empty, tq_splice_read() unlocks the pipe while it sleeps, and then looks at
 * the pipe again.
 */
#include <linux/bvec.h>
#include <linux/gfp.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/pipe_fs_i.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/splice.h>
#include <linux/uio.h>
#include <linux/wait.h>

#include "file.h"
#include "notify.h"
#include "receive.h"
#include "splice.h"
#include "tqueue.h"
#include "user.h"
#include "wait.h"

/**
 * struct tq_pages - pages that go into a pipe
 * @bvec: the pages as the destination of a receive
 * @pages: the same pages as the pipe takes them
 * @parts: the part of each page that is used
 * @count: the number of pages
 * @length: bytes that they have room for
 */
struct tq_pages {
	struct bio_vec *bvec;
	struct page **pages;
	struct partial_page *parts;
	unsigned int count;
	size_t length;
};

static void tq_pages_free(struct tq_pages *pages)
{
	while (pages->count--)
		__free_page(pages->pages[pages->count]);
	kfree(pages->bvec);
	kfree(pages->pages);
	kfree(pages->parts);
}

/* Allocate pages for @length bytes: 0 or -ENOMEM. */
static int tq_pages_alloc(struct tq_pages *pages, size_t length)
{
	unsigned int count = DIV_ROUND_UP(length, PAGE_SIZE);
	struct page *page;

	memset(pages, 0, sizeof(*pages));
	pages->bvec = kcalloc(count, sizeof(*pages->bvec), GFP_KERNEL);
	pages->pages = kcalloc(count, sizeof(*pages->pages), GFP_KERNEL);
	pages->parts = kcalloc(count, sizeof(*pages->parts), GFP_KERNEL);
	if (!pages->bvec || !pages->pages || !pages->parts)
		goto free;
	while (pages->count < count) {
		page = alloc_page(GFP_KERNEL_ACCOUNT);
		if (!page)
			goto free;
		pages->pages[pages->count] = page;
		bvec_set_page(&pages->bvec[pages->count], page, PAGE_SIZE, 0);
		pages->count++;
	}
	pages->length = length;
	return 0;

free:
	tq_pages_free(pages);
	return -ENOMEM;
}

static void tq_spd_release(struct splice_pipe_desc *spd, unsigned int i)
{
	put_page(spd->pages[i]);
}

/* Give the first @length bytes to the pipe, which then owns their pages. */
static ssize_t tq_pages_give(struct tq_pages *pages,
			     struct pipe_inode_info *pipe, size_t length)
{
	unsigned int count = DIV_ROUND_UP(length, PAGE_SIZE);
	struct splice_pipe_desc spd = {
		.pages = pages->pages,
		.partial = pages->parts,
		.nr_pages = count,
		.nr_pages_max = count,
		.ops = &nosteal_pipe_buf_ops,
		.spd_release = tq_spd_release,
	};
	unsigned int i;
	size_t left = length;

	for (i = 0; i < count; i++) {
		pages->parts[i].len = min_t(size_t, left, PAGE_SIZE);
		left -= pages->parts[i].len;
	}
	for (i = count; i < pages->count; i++)
		__free_page(pages->pages[i]);
	pages->count = 0;
	return splice_to_pipe(pipe, &spd);
}

/* How much of @length bytes the pipe has room for now. */
static size_t tq_pipe_room(struct pipe_inode_info *pipe, size_t length)
{
	unsigned int used = pipe_occupancy(pipe->head, pipe->tail);
	size_t slots = used < pipe->max_usage ? pipe->max_usage - used : 0;

	return min_t(size_t, length, slots * PAGE_SIZE);
}

static bool tq_pipe_ready(struct pipe_inode_info *pipe)
{
	return !READ_ONCE(pipe->readers) || tq_pipe_room(pipe, 1);
}

/* Sleep until there is something to splice, with the pipe unlocked. */
static int tq_splice_wait(struct tq_file *file, struct pipe_inode_info *pipe,
			  bool full)
{
	int ret;

	pipe_unlock(pipe);
	if (full)
		ret = wait_event_interruptible_exclusive(pipe->wr_wait,
							 tq_pipe_ready(pipe));
	else
		ret = tq_wait_readable(file, NULL);
	/* Pass the wake-up on. */
	if (ret)
		tq_wake_next_reader(file->queue);
	pipe_lock(pipe);
	return ret;
}

/*
 * Try once, without waiting.  Returns the bytes; 0 at the end; -EAGAIN; or
 * another error.
 */
static ssize_t tq_splice_some(struct tq_file *file,
			      struct pipe_inode_info *pipe, size_t length)
{
	struct tq_pages pages;
	struct iov_iter iter;
	struct tq_user user = { .iter = &iter };
	ssize_t ret;

	/* Whole pages, as many as the next message needs. */
	length = min(length, PAGE_ALIGN(tq_next_length(file) ?: 1));
	ret = tq_pages_alloc(&pages, length);
	if (ret)
		return ret;
	iov_iter_bvec(&iter, ITER_DEST, pages.bvec, pages.count, length);
	ret = tq_receive(file, &user, length, TQ_NOWAIT);
	if (ret > 0)
		ret = tq_pages_give(&pages, pipe, ret);
	tq_pages_free(&pages);
	return ret;
}

/**
 * tq_splice_read - splice a message out of a queue
 * @filp: the open file of the queue
 * @pos: not used
 * @pipe: the destination, locked by the caller
 * @length: the most bytes to splice
 * @flags: SPLICE_F_*
 *
 * If the pipe has no room for all of the message, the rest stays with the file.
 *
 * Context: Process context, may sleep, the pipe is locked.
 * Return: the number of bytes; 0 at the end of file; -EAGAIN; -EPIPE if the
 * pipe has no reader; -EIDRM; -ENOMEM; -ERESTARTSYS.
 */
ssize_t tq_splice_read(struct file *filp, loff_t *pos,
		       struct pipe_inode_info *pipe, size_t length,
		       unsigned int flags)
{
	struct tq_file *file = filp->private_data;
	bool nowait = filp->f_flags & O_NONBLOCK ||
		      flags & SPLICE_F_NONBLOCK;
	bool slept = false;
	size_t room;
	ssize_t ret;

	if (!length)
		return 0;
	tq_file_reads(file);
	for (;;) {
		if (!pipe->readers) {
			send_sig(SIGPIPE, current, 0);
			return -EPIPE;
		}
		if (tq_must_leave(slept)) {
			tq_wake_next_reader(file->queue);
			return -ERESTARTSYS;
		}
		room = tq_pipe_room(pipe, length);
		ret = room ? tq_splice_some(file, pipe, room) : -EAGAIN;
		if (ret != -EAGAIN || nowait)
			return ret;
		ret = tq_splice_wait(file, pipe, !room);
		if (ret)
			return ret;
		slept = true;
	}
}

/**
 * tq_splice_write - splice the content of a pipe into a queue, as one message
 * @pipe: the source
 * @filp: the open file of the queue
 * @pos: not used
 * @length: the most bytes to splice
 * @flags: SPLICE_F_*
 *
 * A pipe is a stream of bytes.  What one call finds in it becomes one message
 * of at most max_message bytes, and the caller continues from there.
 *
 * Context: Process context, may sleep, the pipe is not locked.
 * Return: the number of bytes, or an error as from write().
 */
ssize_t tq_splice_write(struct pipe_inode_info *pipe, struct file *filp,
			loff_t *pos, size_t length, unsigned int flags)
{
	struct tq_file *file = filp->private_data;

	length = min_t(size_t, length,
		       READ_ONCE(file->queue->policy.max_message));
	return iter_file_splice_write(pipe, filp, pos, length, flags);
}
