// SPDX-License-Identifier: GPL-2.0-only
/*
 * tqueue: finds the subcommand and runs it.
 */
#include <argp.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "report.h"

const char *argp_program_version = "tqueue " VERSION;

static const struct command {
	const char *name;
	const char *title;	/* "tqueue NAME", used as argv[0] */
	const char *summary;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "create", "tqueue create", "create a queue", command_create },
	{ "remove", "tqueue remove", "remove queues", command_remove },
	{ "list", "tqueue list", "list all queues", command_list },
	{ "show", "tqueue show", "show the settings and the state of queues", command_show },
	{ "stats", "tqueue stats", "show what queues have counted", command_stats },
	{ "doctor", "tqueue doctor", "find out what is wrong, and the cure", command_doctor },
	{ "top", "tqueue top", "show all queues on the whole screen, live", command_top },
	{ "set", "tqueue set", "change a queue", command_set },
	{ "send", "tqueue send", "send messages: arguments, lines, files", command_send },
	{ "recv", "tqueue recv", "receive messages", command_recv },
	{ "peek", "tqueue peek", "show messages and leave them in the queue", command_peek },
	{ "run", "tqueue run", "run a command for each message", command_run },
	{ "jobs", "tqueue jobs", "list the messages of a queue", command_jobs },
	{ "ack", "tqueue ack", "acknowledge leased messages: the work is done", command_ack },
	{ "requeue", "tqueue requeue", "return leased messages to the queue", command_requeue },
	{ "bury", "tqueue bury", "set messages aside", command_bury },
	{ "extend", "tqueue extend", "extend the time limit of leases", command_extend },
	{ "kick", "tqueue kick", "make buried or delayed messages ready", command_kick },
	{ "delete", "tqueue delete", "remove messages", command_delete },
	{ "pause", "tqueue pause", "let queues give out no messages", command_pause },
	{ "resume", "tqueue resume", "let paused queues give out messages again", command_resume },
	{ "stop", "tqueue stop", "refuse new messages, and end the readers", command_stop },
	{ "start", "tqueue start", "let stopped queues take messages again", command_start },
	{ "wait", "tqueue wait", "wait until all messages of a queue are settled", command_wait },
	{ "drain", "tqueue drain", "stop a queue and receive all its messages", command_drain },
	{ "apply", "tqueue apply", "create the queues that are configured", command_apply },
	{ 0 }
};

static const struct command *find(const char *name)
{
	const struct command *command;

	for (command = commands; command->name; command++)
		if (!strcmp(command->name, name))
			return command;
	return NULL;
}

struct arguments {
	const struct command *command;
	int first;	/* the index of the subcommand's first argument */
	int help;	/* "tqueue help COMMAND" */
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	const char *name = argument;

	switch (key) {
	case ARGP_KEY_ARG:
		if (!strcmp(name, "help")) {
			if (state->next == state->argc)
				argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
			name = state->argv[state->next];
			arguments->help = 1;
		}
		arguments->command = find(name);
		if (!arguments->command)
			argp_error(state, "unknown command '%s'", name);
		arguments->first = state->next;
		/* The other arguments belong to the subcommand. */
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_state_help(state, stderr,
				ARGP_HELP_SHORT_USAGE | ARGP_HELP_DOC | ARGP_HELP_EXIT_ERR);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Adds the list of commands to the help. */
static char *filter(int key, const char *text, void *input)
{
	const struct command *command;
	size_t size;
	char *list;
	FILE *out;

	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)text;
	out = open_memstream(&list, &size);
	if (!out)
		return (char *)text;
	fputs("Commands:\n", out);
	for (command = commands; command->name; command++)
		fprintf(out, "  %-8s %s\n", command->name, command->summary);
	fputs("\n\"tqueue help COMMAND\" describes a command. See also tqueue(1).", out);
	fclose(out);
	return list;
}

static const struct argp argp = {
	.parser = parse,
	.args_doc = "COMMAND [ARGUMENT...]",
	.doc = "Message queues in the kernel: make them, send, receive.\v",
	.help_filter = filter,
};

/*
 * If the caller has closed a standard file, a queue must not get its number: error
 * messages would be written to it.  The files opened here refuse to be read or written.
 */
static void occupy_standard_files(void)
{
	int fd;

	do
		fd = open("/dev/null", fcntl(STDIN_FILENO, F_GETFD) < 0 ? O_WRONLY : O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

/* For --help and --version, after which argp exits. */
static void check_help(void)
{
	if (check_stdout(EXIT_OK))
		_exit(EXIT_ERROR);
}

int main(int argc, char **argv)
{
	struct arguments arguments = { 0 };
	const struct command *command;
	char *with_help[3] = { NULL, "--help", NULL };

	occupy_standard_files();
	atexit(check_help);
	setlocale(LC_CTYPE, "");
	argp_err_exit_status = EXIT_BAD_USAGE;
	/*
	 * All messages begin with the same name, whatever the path of the program is.
	 */
	if (argc > 0)
		argv[0] = "tqueue";
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &arguments);

	command = arguments.command;
	if (arguments.help) {
		with_help[0] = (char *)command->title;
		return command->run(2, with_help);
	}
	argv += arguments.first - 1;
	argv[0] = (char *)command->title;
	return check_stdout(command->run(argc - arguments.first + 1, argv));
}
