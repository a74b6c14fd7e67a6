// SPDX-License-Identifier: GPL-2.0-only
/*
 * The driver as one unit for the compiler.
 *
 * Its files share most of their headers, and to read those takes the compiler far
 * longer than to compile what uses them: apart, the files take three times as long.
 * Every upgrade of a kernel waits for that.  The scheduler is built in the same way.
 *
 * Each file still includes what it needs, and compiles alone; no name in it, static
 * or macro, is used for another thing in another file.
 */
#include "main.c"
#include "control.c"
#include "device.c"
#include "requests.c"
#include "splice.c"
#include "proc.c"
#include "sysfs.c"
#include "stats.c"
#include "config.c"
#include "queue.c"
#include "file.c"
#include "send_batch.c"
#include "send.c"
#include "senders.c"
#include "enqueue.c"
#include "receive_batch.c"
#include "receive_lease.c"
#include "receive.c"
#include "record.c"
#include "settle.c"
#include "hold.c"
#include "kick.c"
#include "listing.c"
#include "timer.c"
#include "inflight.c"
#include "lease.c"
#include "states.c"
#include "due.c"
#include "settled.c"
#include "drop.c"
#include "notify.c"
#include "wait.c"
#include "space.c"
#include "store.c"
#include "unique.c"
#include "message.c"
#include "ring.c"
