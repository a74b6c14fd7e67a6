// SPDX-License-Identifier: GPL-2.0-only
/*
 * The driver as one compilation unit.
 *
 * Parsing the kernel's headers takes longer than compiling the driver.
 * Separate units would triple the build time, and every kernel upgrade waits
 * for the build.  The kernel builds its scheduler in the same way.
 *
 * Each file still includes what it needs and compiles alone.  No two files use the
 * same static name or macro for different things.
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
#include "observe.c"
#include "drop.c"
#include "notify.c"
#include "wait.c"
#include "space.c"
#include "store.c"
#include "unique.c"
#include "message.c"
#include "ring.c"
#include "charge.c"
