/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Open files: counting readers and writers.
 */
#ifndef TQ_FILE_H
#define TQ_FILE_H

#include <linux/compiler.h>
#include <linux/fs.h>

#include "tqueue.h"

struct seq_file;

struct tq_file *tq_file_open(struct tqueue *queue, struct file *filp);
void tq_file_close(struct tq_file *file);
void tq_unpin(struct tqueue *queue);
void tq_file_begin_reading(struct tq_file *file);
void tq_opens_changed(struct tqueue *queue);
void tq_file_show(struct seq_file *seq, struct tq_file *file);

/* A file counts as a reader from its first receiving call on. */
static inline void tq_file_reads(struct tq_file *file)
{
	if (unlikely(!READ_ONCE(file->reader)))
		tq_file_begin_reading(file);
}

#endif /* TQ_FILE_H */
