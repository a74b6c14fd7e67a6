# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Tests of tests/command/inside: help, versions, wrong arguments, exit statuses, and messages without the driver.
# shellcheck disable=SC2317,SC2154,SC2034 # they are called by their names; what they use and set is there

test_no_driver() {
	rmmod tqueue || no "the module does not unload"
	for command in list "show q" "recv q" "send q x" "peek q" "create q" "stop q" "wait q"; do
		# shellcheck disable=SC2086 # words
		gives 7 tqueue $command
		err "tqueue: " "not loaded" "modprobe tqueue"
	done
	rm -rf "$conf"
	gives 0 tqueue apply
	load
}

test_usage() {
	gives 2 tqueue
	err "Commands:" create apply
	gives 2 tqueue nonsense
	err "unknown command 'nonsense'"
	gives 0 tqueue --help
	has out "Usage: tqueue" "receive messages"
	tqueue recv --help >/dev/full 2>err
	is "status of help with a full disk" $? 1
	err "cannot write to standard output: No space"
	tqueue list >/dev/full 2>err
	is "status of a list with a full disk" $? 1
	is "lines of complaint" "$(wc -l <err)" 1
	gives 0 tqueue --version
	has out "tqueue $(sed -n 's/^version=//p' /guest/version)"
	for command in create remove list show stats doctor top set send recv peek jobs ack requeue bury extend kick delete pause resume stop start wait \
		drain apply; do
		gives 0 tqueue "$command" --help
		has out "Usage: tqueue $command"
		mv out one
		gives 0 tqueue help "$command"
		same one out
		wanted=2
		# The exit statuses of doctor are those of a Nagios plugin.
		[ "$command" != doctor ] || wanted=3
		gives "$wanted" tqueue "$command" --nonsense
		err "tqueue $command: "
	done
	for command in create remove show set send recv peek jobs ack requeue bury extend kick delete pause resume stop start wait drain; do
		gives 2 tqueue "$command"
	done
	for command in ack requeue bury extend delete; do
		gives 2 tqueue "$command" jobs
		err "no messages given" "tqueue jobs jobs"
	done
	gives 2 tqueue recv q --timeout=soon
	err "'soon'" "5s"
	gives 2 tqueue recv q --count=0
	gives 2 tqueue recv q --all --follow
	gives 2 tqueue recv q r
	gives 2 tqueue send --lines q log
	err "--file"
	gives 2 tqueue create q --size=big
	gives 2 tqueue create q --mode=999
	gives 2 tqueue create q --overflow=never
	err block reject drop-oldest
	gives 2 tqueue create q --no-reader=never
	err keep error
	gives 2 tqueue set q
	gives 2 tqueue set q --like-pipe
}

test_exit_status() {
	tqueue create jobs --size=64K
	gives 3 tqueue recv jobs --timeout=0
	err "tqueue: jobs: no message"
	gives 3 tqueue recv jobs --all
	gives 3 tqueue peek jobs
	gives 4 tqueue recv jobs -t 100ms
	err "tqueue: jobs: timed out waiting for a message"
	gives 4 tqueue peek jobs -t 0.1
	tqueue send jobs one
	gives 4 tqueue recv jobs --count=2 --timeout=100ms
	out one
	for command in "recv nothing" "send nothing x" "peek nothing" "show nothing" "stop nothing" "wait nothing" "drain nothing"; do
		# shellcheck disable=SC2086 # words
		gives 5 tqueue $command
		err "tqueue: nothing: no such queue" "tqueue create nothing"
	done
	head -c 16000 /dev/zero >part
	for i in 1 2 3 4; do
		tqueue send jobs <part
	done
	gives 3 tqueue send jobs --timeout=0 <part
	err "full" "tqueue recv"
	gives 4 tqueue send jobs --timeout=100ms <part
	tqueue set jobs --overflow=reject
	gives 3 tqueue send jobs <part
	err "queue is full" "tqueue recv"
	tqueue stop jobs
	gives 6 tqueue send jobs x
	err "stopped" "tqueue start jobs"
	gives 6 tqueue recv --count=5 jobs
	is "bytes received" "$(wc -c <out)" $((4 * 16001))
	gives 0 tqueue recv --follow jobs
	tqueue start jobs
	{ gives 6 tqueue recv jobs; [ -z "$wrong" ] || echo "$wrong" >said; } &
	soon has_a_reader
	tqueue remove --force jobs
	wait $!
	[ ! -s said ] || no "$(cat said)"
	gives 1 tqueue send /dev/null x
	err "not a tqueue queue"
	gives 1 as_nobody tqueue send tqueue x
	err "not permitted"
	tqueue create jobs
	gives 1 as_nobody tqueue recv jobs
	err "group tqueue"
	tqueue send jobs x
	tqueue recv jobs >/dev/full 2>err
	is "status with a full disk" $? 1
	err "cannot write to standard output" "1 message went back to its place in the queue"
	gives 0 tqueue recv jobs
	out x
}

# complete WORD...: what the shell offers for the last word.
complete_to() {
	COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
	_tqueue 2>/dev/null
	printf '%s\n' "${COMPREPLY[@]}" | sort | xargs
}

test_completion() {
	# shellcheck source=tools/tqueue/completion.bash
	. /guest/completion.bash
	tqueue create jobs
	tqueue create mail
	is "tqueue s" "$(complete_to tqueue s)" "send set show start stats stop"
	is "tqueue recv" "$(complete_to tqueue recv '')" "jobs mail tqueue"
	is "tqueue recv m" "$(complete_to tqueue recv m)" mail
	is "tqueue recv jobs" "$(complete_to tqueue recv jobs '')" ""
	is "tqueue recv --timeout=5s m" "$(complete_to tqueue recv --timeout = 5s m)" mail
	is "tqueue recv -c 5 m" "$(complete_to tqueue recv -c 5 m)" mail
	is "tqueue remove jobs m" "$(complete_to tqueue remove jobs m)" mail
	is "tqueue recv jobs --fo" "$(complete_to tqueue recv jobs --fo)" --follow
	is "tqueue create --overflow=" "$(complete_to tqueue create --overflow =)" "block drop-oldest reject"
	is "tqueue create --overflow=r" "$(complete_to tqueue create --overflow = r)" reject
	is "tqueue create --no-reader=" "$(complete_to tqueue create --no-reader =)" "error keep"
	is "tqueue set jobs --end-of-file l" "$(complete_to tqueue set jobs --end-of-file l)" last-writer
	is "tqueue help d" "$(complete_to tqueue help d)" "delete doctor drain"
	is "tqueue ack jobs" "$(complete_to tqueue ack jobs '')" ""
	is "tqueue kick --id 5 m" "$(complete_to tqueue kick --id 5 m)" mail
	is "tqueue recv --to=m" "$(complete_to tqueue recv --to = m)" mail
	is "tqueue jobs --state=b" "$(complete_to tqueue jobs --state = b)" buried
	is "tqueue set jobs --on-exhausted=" "$(complete_to tqueue set jobs --on-exhausted =)" "bury drop"
	is "tqueue create --unique=" "$(complete_to tqueue create --unique =)" "queue user"
	is "tqueue send --unique=" "$(complete_to tqueue send --unique =)" ""
	is "tqueue create q --owner=nob" "$(complete_to tqueue create q --owner = nob)" nobody
	# Every option in the help is offered, and no other.
	for command in create remove list show stats doctor top set send recv peek jobs ack requeue bury extend kick delete pause resume stop start wait \
		drain apply; do
		tqueue "$command" --help | grep -o -E -e '^ *(-.,)? *--[a-z-]+=?' | grep -o -E -e '--.*' | sort -u | xargs >wanted
		is "the options of $command" "$(complete_to tqueue "$command" --)" "$(cat wanted)"
	done
}
