/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TQ_SPLICE_H
#define TQ_SPLICE_H

#include <linux/fs.h>

struct pipe_inode_info;

ssize_t tq_splice_read(struct file *filp, loff_t *pos,
		       struct pipe_inode_info *pipe, size_t length,
		       unsigned int flags);
ssize_t tq_splice_write(struct pipe_inode_info *pipe, struct file *filp,
			loff_t *pos, size_t length, unsigned int flags);

#endif /* TQ_SPLICE_H */
