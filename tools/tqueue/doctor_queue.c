// SPDX-License-Identifier: GPL-2.0-only
/* Checks one queue. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "doctor.h"
#include "holders.h"
#include "listed.h"
#include "node.h"
#include "queue.h"
#include "units.h"

/* How many different codes of workers are listed one by one. */
#define MOST_CODES	8

/**
 * struct patient - a queue that is checked
 * @findings: where findings go
 * @info: what the driver reports about the queue
 * @name: its name
 * @holders: the processes that have it open or hold leases
 * @clocks: the time
 * @age: what lasts for less than this is no problem
 * @fd: the queue, open for looking, or -1
 * @oldest: the ready message with the lowest id.  Its id is 0 if there is none, or if
 *	it is not known
 * @partial_reported: the id of the partial message that was reported last
 */
struct patient {
	struct findings *findings;
	const struct tqueue_info *info;
	const char *name;
	struct holders holders;
	struct clocks clocks;
	uint64_t age;
	int fd;
	struct tqueue_listed oldest;
	uint64_t partial_reported;
};

#define add(patient, ...)	finding_add((patient)->findings, __VA_ARGS__)
#define cure(patient, ...)	finding_cure((patient)->findings, __VA_ARGS__)

static unsigned long long number(uint64_t value)
{
	return value;
}

/* The "s" of a plural. */
static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

/* Names a process in messages. */
static const char *who(const struct process *process, char *text, size_t room)
{
	snprintf(text, room, "process %d (%s)", process->pid,
		 process->command[0] ? process->command : "ended");
	return text;
}

static int is_stopped(const struct process *process)
{
	return process->state == 'T' || process->state == 't';
}

/* Whether it is in D state now, and still is after a moment. */
static int is_stuck(const struct process *process)
{
	static const struct timespec moment = { .tv_nsec = 200000000 };
	struct process now;

	if (process->state != 'D')
		return 0;
	nanosleep(&moment, NULL);
	return !process_look(process->pid, &now) && now.state == 'D';
}

static void check_node(struct patient *patient)
{
	char path[PATH_MAX];

	if (!node_check(patient->name, patient->info) ||
	    tqueue_path(patient->name, path, sizeof(path)))
		return;
	if (errno == ENOENT)
		add(patient, SEVERITY_CRITICAL, "no-node", "its device file %s is missing", path);
	else if (errno == ENOTTY)
		add(patient, SEVERITY_CRITICAL, "wrong-node",
		    "%s is not its device file: what is written there does not reach the queue",
		    path);
	else
		return;
	cure(patient, "as root: \"tqueue apply %s\" makes it again", patient->name);
}

/* Opens the queue for looking.  Returns 0 or -1.  If it is @named, a failure is a finding. */
static int open_it(struct patient *patient, int named)
{
	char text[512];
	int error;

	patient->fd = open_to_look(patient->name);
	if (patient->fd >= 0)
		return 0;
	error = errno;
	if (!named)
		return -1;
	/* check_node() has reported a missing or a wrong device file already. */
	if (node_check(patient->name, patient->info) && (errno == ENOENT || errno == ENOTTY))
		return -1;
	if (error == EACCES || error == EPERM) {
		/* The explanation begins with "NAME: ". */
		tqueue_explain(patient->name, error, text, sizeof(text));
		add(patient, SEVERITY_WARNING, "no-permission",
		    "this program, with user id %u, may not receive from it", geteuid());
		cure(patient, "%s", text + strlen(patient->name) + 2);
	} else {
		add(patient, SEVERITY_UNKNOWN, "cannot-open", "it cannot be opened: %s",
		    tqueue_strerror(error));
	}
	return -1;
}

static void check_state(struct patient *patient)
{
	const struct tqueue_info *info = patient->info;

	if (info->state & TQUEUE_STATE_STOPPED) {
		add(patient, SEVERITY_WARNING, "stopped",
		    "it is stopped, and takes no more messages");
		cure(patient, "\"tqueue start %s\" starts it again", patient->name);
	}
	if (info->state & TQUEUE_STATE_PAUSED) {
		add(patient, SEVERITY_WARNING, "paused",
		    "it is paused: nothing is received, %llu message%s ready",
		    number(info->messages), info->messages == 1 ? " is" : "s are");
		cure(patient, "\"tqueue resume %s\" lets it go on", patient->name);
	}
}

/* Whether the queue is almost full, or senders wait for room. */
static int is_full(const struct tqueue_info *info)
{
	return info->blocked_senders || info->bytes >= info->size - info->size / 10;
}

static void check_full(struct patient *patient)
{
	const struct tqueue_info *info = patient->info;
	char bytes[24], size[24];

	if (!is_full(info))
		return;
	format_size_short(info->bytes, bytes, sizeof(bytes));
	format_size_short(info->size, size, sizeof(size));
	if (info->overflow == TQUEUE_OVERFLOW_DROP_OLDEST)
		add(patient, SEVERITY_WARNING, "full",
		    "it is full (%s of %s), and new messages replace old ones: %llu were dropped since it was created",
		    bytes, size, number(info->dropped));
	else if (info->overflow == TQUEUE_OVERFLOW_REJECT)
		add(patient, SEVERITY_WARNING, "full",
		    "it is full (%s of %s), and sends fail", bytes, size);
	else
		add(patient, SEVERITY_WARNING, "full",
		    "it is full (%s of %s): %u sender%s for room", bytes, size,
		    info->blocked_senders, info->blocked_senders == 1 ? " waits" : "s wait");
	cure(patient, "start more or faster receivers, or give it more room with \"tqueue set %s --size\"",
	     patient->name);
}

/* Buried and delayed messages take up room, and no reader receives them. */
static void check_room(struct patient *patient)
{
	const struct tqueue_info *info = patient->info;
	uint64_t bytes = info->buried_bytes + info->delayed_bytes;

	if (bytes <= info->size / 2)
		return;
	add(patient, SEVERITY_WARNING, "room",
	    "%llu %% of its room is taken by messages that are buried (%llu %%) or delayed (%llu %%)",
	    number(bytes * 100 / info->size), number(info->buried_bytes * 100 / info->size),
	    number(info->delayed_bytes * 100 / info->size));
	cure(patient, "\"tqueue jobs %s --state=buried,delayed\" shows them, \"tqueue delete\" removes some, \"tqueue set %s --size\" makes more room",
	     patient->name, patient->name);
}

/* Why messages are buried. */
struct burials {
	uint64_t reasons[TQUEUE_REASON_PUT_OFF + 1];
	struct {
		int32_t code;
		uint64_t count;
	} codes[MOST_CODES];
	size_t codes_count;
	uint64_t other_codes;
};

static int count_burial(const struct tqueue_listed *message, void *context)
{
	struct burials *burials = context;
	size_t i;

	if (message->reason <= TQUEUE_REASON_PUT_OFF)
		burials->reasons[message->reason]++;
	if (!message->code)
		return 0;
	for (i = 0; i < burials->codes_count; i++)
		if (burials->codes[i].code == message->code)
			break;
	if (i == burials->codes_count) {
		if (i == MOST_CODES) {
			burials->other_codes++;
			return 0;
		}
		burials->codes[burials->codes_count++].code = message->code;
	}
	burials->codes[i].count++;
	return 0;
}

/* "3 after their last attempt, 1 too old; codes of workers: 2 (3 times)" */
static void explain_burials(const struct burials *burials, char *text, size_t room)
{
	static const char *const words[] = {
		[TQUEUE_REASON_WORKER] = "by their workers",
		[TQUEUE_REASON_FORCED] = "by hand",
		[TQUEUE_REASON_ATTEMPTS] = "after their last attempt",
		[TQUEUE_REASON_EXPIRED] = "because they expired (ttl)",
		[TQUEUE_REASON_PUT_OFF] = NULL
	};
	size_t length = 0, i;

	text[0] = '\0';
	for (i = 0; i < TQUEUE_REASON_PUT_OFF && length < room; i++)
		if (words[i] && burials->reasons[i])
			length += (size_t)snprintf(text + length, room - length, "%s%llu %s",
						   length ? ", " : ": ",
						   number(burials->reasons[i]), words[i]);
	for (i = 0; i < burials->codes_count && length < room; i++)
		length += (size_t)snprintf(text + length, room - length, "%s%d (%llu)",
					   i ? ", " : "; codes of their workers: ",
					   burials->codes[i].code,
					   number(burials->codes[i].count));
	if (burials->other_codes && length < room)
		snprintf(text + length, room - length, ", others (%llu)",
			 number(burials->other_codes));
}

static void check_buried(struct patient *patient)
{
	const struct tqueue_info *info = patient->info;
	struct burials burials = { 0 };
	char why[512] = "";

	if (!info->buried)
		return;
	if (patient->fd >= 0 &&
	    !messages_each(patient->fd, TQUEUE_BURIED, count_burial, &burials))
		explain_burials(&burials, why, sizeof(why));
	add(patient, SEVERITY_WARNING, "buried", "%llu message%s buried%s", number(info->buried),
	    info->buried == 1 ? " is" : "s are", why);
	cure(patient, "\"tqueue jobs %s --state=buried\" shows them; when the cause is fixed, \"tqueue kick %s\" makes them ready again",
	     patient->name, patient->name);
	if (info->buried_bytes < info->max_buried - info->max_buried / 10)
		return;
	add(patient, SEVERITY_CRITICAL, "max-buried",
	    "buried messages take up all the room that max-buried allows: messages that fail now are delayed by an hour");
	cure(patient, "\"tqueue kick %s\" and \"tqueue delete\" make room; \"tqueue set %s --max-buried\" allows more",
	     patient->name, patient->name);
}

static int take_first(const struct tqueue_listed *message, void *context)
{
	*(struct tqueue_listed *)context = *message;
	return 1;
}

static uint64_t age_of(const struct patient *patient, const struct tqueue_listed *message)
{
	return message_age(message, &patient->clocks);
}

/* Messages wait, and there is no reader, or the readers are too slow. */
static void check_readers(struct patient *patient)
{
	const struct tqueue_info *info = patient->info;
	char age[24];

	if (!info->messages || info->state & TQUEUE_STATE_PAUSED)
		return;
	if (patient->fd >= 0)
		messages_each(patient->fd, TQUEUE_READY, take_first, &patient->oldest);
	/* If the age of the oldest message is not known, a full queue is reason enough. */
	if (patient->oldest.id ? age_of(patient, &patient->oldest) < patient->age :
				 !is_full(info))
		return;
	snprintf(age, sizeof(age), "some time");
	if (patient->oldest.id)
		format_duration_short(age_of(patient, &patient->oldest), age, sizeof(age));
	if (info->readers) {
		add(patient, SEVERITY_WARNING, "slow",
		    "%llu message%s, the oldest for %s: its %u reader%s not keep up",
		    number(info->messages), info->messages == 1 ? " waits" : "s wait", age,
		    info->readers, info->readers == 1 ? " does" : "s do");
		cure(patient, "\"tqueue show %s\" shows what they do; start more readers",
		     patient->name);
		return;
	}
	add(patient, is_full(info) ? SEVERITY_CRITICAL : SEVERITY_WARNING, "no-reader",
	    "it has no reader: %llu message%s, the oldest for %s", number(info->messages),
	    info->messages == 1 ? " waits" : "s wait", age);
	cure(patient, "start its worker, or look at the message with \"tqueue peek %s\"",
	     patient->name);
}

/* Why a process does not run, or NULL. */
static const char *what_stops(const struct process *process)
{
	if (is_stopped(process))
		return "is stopped";
	if (is_stuck(process))
		return "cannot be woken (D state)";
	return NULL;
}

static void cure_stopped(struct patient *patient, const struct process *process)
{
	if (is_stopped(process))
		cure(patient, "\"kill -CONT %d\" lets it go on; when it ends, its messages go back to the queue",
		     process->pid);
	else
		cure(patient, "as root: /proc/%d/stack shows what it waits for, often a disk or a network file system",
		     process->pid);
}

/* A search for the message in flight that has @bytes left. */
struct partial {
	uint64_t left;
	struct tqueue_listed message;
};

static int match_partial(const struct tqueue_listed *message, void *context)
{
	struct partial *partial = context;

	if (message->length != partial->left)
		return 0;
	partial->message = *message;
	return 1;
}

/* A reader that goes on reading will soon have read the rest of its message. */
static void check_partial(struct patient *patient, const struct holder *holder)
{
	const struct process *process = &holder->process;
	struct partial partial = { 0 };
	const char *stopped;
	char text[256];

	if (!holder->use || !holder->use->partial)
		return;
	partial.left = holder->use->partial;
	if (patient->fd >= 0)
		messages_each(patient->fd, TQUEUE_IN_FLIGHT, match_partial, &partial);
	stopped = what_stops(process);
	/* Processes that share a file hold the same partial message: report it once. */
	if (!stopped && (!partial.message.id || partial.message.id == patient->partial_reported ||
			 age_of(patient, &partial.message) < patient->age))
		return;
	patient->partial_reported = partial.message.id;
	add(patient, stopped ? SEVERITY_CRITICAL : SEVERITY_WARNING, "partial",
	    "%s %s%shas read a part of a message, and holds the other %llu byte%s",
	    who(process, text, sizeof(text)), stopped ? stopped : "", stopped ? ", " : "",
	    number(holder->use->partial), plural(holder->use->partial));
	if (stopped)
		cure_stopped(patient, process);
	else
		cure(patient, "it should read the message to its end; when it closes its file, the rest goes back to the queue, marked as partial");
}

static void check_lease(struct patient *patient, const struct holder *holder)
{
	const struct process *process = &holder->process;
	const char *stopped;
	char text[256], age[24];
	uint64_t oldest;

	if (!holder->leases)
		return;
	stopped = process->command[0] ? what_stops(process) : NULL;
	if (stopped) {
		add(patient, SEVERITY_CRITICAL, "stopped-worker",
		    "%s %s, and has %llu message%s leased",
		    who(process, text, sizeof(text)), stopped, number(holder->leases),
		    plural(holder->leases));
		cure_stopped(patient, process);
		return;
	}
	/* A lease that has a limit ends by itself, unless its worker extends it. */
	if (!holder->oldest.id || holder->oldest.due_ns != TQUEUE_FOREVER)
		return;
	oldest = age_of(patient, &holder->oldest);
	if (oldest < patient->age)
		return;
	format_duration_short(oldest, age, sizeof(age));
	add(patient, SEVERITY_WARNING, "old-lease",
	    "%s has leased message %llu for %s and not settled it",
	    who(process, text, sizeof(text)), number(holder->oldest.id), age);
	cure(patient, "check what it does; \"tqueue requeue --force %s %llu\" gives the message to another worker; \"tqueue set %s --lease-limit\" limits leases",
	     patient->name, number(holder->oldest.id), patient->name);
}

/* Messages wait, and a reader is stopped. */
static void check_reader(struct patient *patient, const struct holder *holder)
{
	const struct use *use = holder->use;
	char text[256];

	if (!use || use->id || holder->leases || use->partial ||
	    (use->access != O_RDONLY && use->access != O_RDWR) || !is_stopped(&holder->process))
		return;
	add(patient, SEVERITY_WARNING, "stopped-reader",
	    "%s has it open for reading, and is stopped",
	    who(&holder->process, text, sizeof(text)));
	cure_stopped(patient, &holder->process);
}

/* Do all workers that have leased messages wait for room in this queue? */
static void check_held_up(struct patient *patient)
{
	const struct holders *holders = &patient->holders;
	size_t i, leasing = 0, sending = 0, j;
	int sends;

	if (!(patient->info->state & TQUEUE_STATE_HELD_UP))
		return;
	for (i = 0; i < holders->count; i++) {
		if (!holders->list[i].leases)
			continue;
		leasing++;
		sends = 0;
		/* It may send through another of its files. */
		for (j = 0; j < holders->count; j++)
			if (holders->list[j].process.pid == holders->list[i].process.pid &&
			    holders->list[j].use &&
			    holders->list[j].use->waits & WAITS_TO_SEND)
				sends = 1;
		sending += (size_t)sends;
	}
	if (leasing && leasing == sending) {
		add(patient, SEVERITY_CRITICAL, "deadlock",
		    "all workers that have leased messages (%zu) wait to send to this queue, which is full: only they could make room",
		    leasing);
		cure(patient, "\"tqueue set %s --size\" gives them room now; make workers send to another queue, or without waiting",
		     patient->name);
		return;
	}
	add(patient, SEVERITY_WARNING, "held-up",
	    "senders wait for room, nothing is ready, and only workers that have leased messages can make room");
	cure(patient, "\"tqueue show %s\" shows these workers", patient->name);
}

void doctor_queue(struct findings *findings, const struct tqueue_info *info,
		  const struct processes *processes, uint64_t age, int named)
{
	struct patient patient = {
		.findings = findings, .info = info, .name = info->name,
		.clocks = clocks_now(), .age = age, .fd = -1,
	};
	const struct holder *holder;
	size_t i;

	findings->queue = info->name;
	check_node(&patient);
	open_it(&patient, named);
	holders_find(&patient.holders, processes, info, patient.fd);
	check_state(&patient);
	check_held_up(&patient);
	check_readers(&patient);
	for (i = 0; i < patient.holders.count; i++) {
		holder = &patient.holders.list[i];
		check_partial(&patient, holder);
		check_lease(&patient, holder);
		if (info->messages)
			check_reader(&patient, holder);
	}
	check_full(&patient);
	check_buried(&patient);
	check_room(&patient);
	findings->queue = NULL;
	holders_free(&patient.holders);
	if (patient.fd >= 0)
		close(patient.fd);
}
