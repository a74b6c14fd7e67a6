/* SPDX-License-Identifier: GPL-2.0-only */
/* The subcommands of tqueue, and how they end. */
#ifndef COMMAND_H
#define COMMAND_H

/* Exit statuses; tqueue(1) lists them. */
enum {
	EXIT_OK = 0,
	EXIT_ERROR = 1,		/* any other error */
	EXIT_BAD_USAGE = 2,
	EXIT_NOTHING = 3,	/* nothing to receive, or no room, without waiting */
	EXIT_TIMED_OUT = 4,
	EXIT_NO_QUEUE = 5,
	EXIT_STOPPED = 6,	/* stopped, removed, left by its readers, or at its end */
	EXIT_NO_DRIVER = 7,	/* not loaded, or too old */
	EXIT_FAILED = 8,	/* messages were buried or dropped, or jobs failed */
	EXIT_MESSAGE = 9,	/* a message is not there, or others have it */
	EXIT_KEY_TAKEN = 10,	/* there is a message with that key */
	EXIT_NOT_STARTED = 126,	/* the command cannot be started */
	EXIT_NOT_FOUND = 127,	/* there is no such command */
};

/* Each parses its own options; argv[0] is "tqueue NAME". */
int command_create(int argc, char **argv);
int command_remove(int argc, char **argv);
int command_set(int argc, char **argv);
int command_list(int argc, char **argv);
int command_show(int argc, char **argv);
int command_stats(int argc, char **argv);
int command_doctor(int argc, char **argv);
int command_top(int argc, char **argv);
int command_send(int argc, char **argv);
int command_recv(int argc, char **argv);
int command_peek(int argc, char **argv);
int command_drain(int argc, char **argv);
int command_jobs(int argc, char **argv);
int command_ack(int argc, char **argv);
int command_requeue(int argc, char **argv);
int command_bury(int argc, char **argv);
int command_extend(int argc, char **argv);
int command_delete(int argc, char **argv);
int command_kick(int argc, char **argv);
int command_run(int argc, char **argv);
int command_start(int argc, char **argv);
int command_stop(int argc, char **argv);
int command_pause(int argc, char **argv);
int command_resume(int argc, char **argv);
int command_wait(int argc, char **argv);
int command_apply(int argc, char **argv);

#endif /* COMMAND_H */
