/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ioctls of an open queue.
 */
#ifndef TQ_REQUESTS_H
#define TQ_REQUESTS_H

struct file;

long tq_ioctl(struct file *filp, unsigned int cmd, unsigned long arg);

#endif /* TQ_REQUESTS_H */
