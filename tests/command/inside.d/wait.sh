# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Tests of tests/command/inside: tqueue wait, drain, start, stop, pause and resume.
# shellcheck disable=SC2317,SC2154,SC2034 # they are called by their names; what they use and set is there

test_wait() {
	tqueue create jobs
	gives 0 tqueue wait jobs
	tqueue send jobs one two
	gives 4 tqueue wait jobs --timeout=100ms
	err "tqueue: jobs: not all messages are settled" "tqueue jobs jobs"
	gives 4 tqueue wait jobs --timeout=0
	{ sleep 0.5; tqueue recv --count=2 jobs >/dev/null; tqueue send jobs later; } &
	gives 0 tqueue wait jobs --timeout=10s
	wait $!
	{ sleep 0.5; tqueue recv --all jobs >got; } &
	gives 0 tqueue send --wait jobs one
	wait $!
	is "what was received" "$(cat got)" $'later\none'
	gives 4 tqueue send --wait --timeout=100ms jobs one
	gives 5 tqueue wait jobs nothing --timeout=100ms
}

test_drain() {
	tqueue create jobs
	tqueue send jobs one two
	gives 0 tqueue drain jobs
	out $'one\ntwo'
	gives 6 tqueue send jobs three
	tqueue start jobs
	seq 5000 | tqueue send --lines jobs
	gives 0 tqueue drain --discard jobs
	out ""
	is messages "$(attribute jobs messages)" 0
	tqueue start jobs
	tqueue send jobs "half read"
	exec 3</dev/tq/jobs
	dd bs=4 count=1 <&3 >/dev/null 2>&1
	gives 4 tqueue drain jobs --timeout=300ms
	exec 3<&-
	gives 0 tqueue drain --json jobs
	has out '"text":" read"'
}

test_start_and_stop() {
	tqueue create a --owner=nobody
	tqueue create b
	gives 0 tqueue stop a b
	is state "$(attribute a state)$(attribute b state)" stoppedstopped
	gives 0 as_nobody tqueue start a
	is state "$(attribute a state)" started
	gives 1 as_nobody tqueue start b
	gives 5 tqueue start a nothing
}

test_pause() {
	tqueue create a --owner=nobody
	tqueue create b
	gives 0 tqueue pause a b
	gives 0 tqueue send a x
	gives 3 tqueue recv --all a
	gives 4 tqueue recv --timeout=100ms a
	gives 0 tqueue peek a
	gives 0 tqueue show a
	has out "state        started, paused"
	gives 0 tqueue show --json a
	has out '"state":"started","paused":true'
	gives 0 tqueue list
	is "state" "$(awk '$1 == "a" { print $2 }' out)" paused
	{ sleep 0.5; tqueue resume a; } &
	gives 0 tqueue recv --timeout=20s a
	out x
	wait $!
	gives 0 as_nobody tqueue pause a
	gives 0 as_nobody tqueue resume a
	gives 1 as_nobody tqueue resume b
	gives 5 tqueue pause a nothing
}

# Messages that failed during the wait are reported.
test_wait_failures() {
	local job
	tqueue create jobs --max-attempts=1
	tqueue send jobs one two
	exec 3</dev/tq/jobs
	{
		sleep 2
		job=$(tqueue recv --lease --fd=3)
		tqueue requeue jobs "${job%% *}" 2>/dev/null
		tqueue recv jobs >/dev/null
	} &
	gives 8 tqueue wait --timeout=30s jobs
	err "tqueue: jobs: 1 message was buried and 0 dropped meanwhile" "tqueue jobs jobs --state=buried"
	wait $!
	# What was buried before does not matter.
	{ sleep 2; tqueue recv jobs >/dev/null; } &
	gives 0 tqueue send --wait --timeout=30s jobs three
	wait $!
	tqueue set jobs --on-exhausted=drop
	{
		sleep 2
		job=$(tqueue recv --lease --fd=3)
		tqueue requeue jobs "${job%% *}" 2>said
	} &
	gives 8 tqueue send --wait --timeout=30s jobs four
	err "0 messages were buried and 1 dropped"
	wait $!
	has said "was dropped: this was its last attempt"
	exec 3<&-
}

# Who has leased all that there is, and sends to the full queue: it shows.
test_held_up() {
	tqueue create jobs --size=4K
	yes | tqueue send --lines --timeout=0 jobs 2>/dev/null
	exec 3</dev/tq/jobs
	tqueue recv --all --lease --fd=3 >/dev/null
	tqueue jobs --state=leased --no-header jobs | awk '{ print $1 }' >ids
	is "ready and leased" "$(attribute jobs messages) $(attribute jobs leased)" "0 $(wc -l <ids)"
	tqueue send jobs more 3<&- &
	soon blocks jobs
	gives 0 tqueue list
	is state "$(awk '$1 == "jobs" { print $2 }' out)" held-up
	gives 0 tqueue show jobs
	has out "state        started, held up by its leases"
	gives 0 tqueue show --json jobs
	has out '"held_up":true'
	exec 3<&-
	tqueue recv --all jobs >got
	wait $!
	tqueue recv --all jobs >>got 2>/dev/null
	is "the last one" "$(tail -n 1 got)" more
}
