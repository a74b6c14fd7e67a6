# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Tests of tests/command/inside: the output of tqueue recv: messages that cannot be written are not lost.
# shellcheck disable=SC2317,SC2154,SC2034 # they are called by their names; what they use and set is there

has_line() {
	grep -q -x "$1" got
}

# Who does not read the output any more costs no message.
test_closed_output() {
	tqueue create jobs
	tqueue send jobs one
	tqueue recv --follow jobs 2>err | {
		read -r line
		echo "$line" >got
	} &
	soon has_line one
	# The reader is gone, and tqueue waits for a message.
	soon ended
	wait $!
	err "nobody reads"
	tqueue send jobs two three
	is messages "$(attribute jobs messages)" 2
	tqueue recv --count=2 jobs >/dev/full 2>err
	err "2 messages went back to their places in the queue"
	tqueue send jobs four
	gives 0 tqueue recv --all jobs
	out $'two\nthree\nfour'
	# One that was written in part goes back whole, and is said to be so.
	head -c 500000 /dev/zero | tqueue send jobs
	tqueue send jobs after
	tqueue recv --raw --count=2 jobs 2>err | head -c 100000 >/dev/null
	err "1 message went back to its place" "a part of the first of them had been written"
	gives 0 tqueue recv --json jobs
	has out '"attempts":0' '"length":500000'
	gives 0 tqueue recv jobs
	out after
}

# The reader of a socket or of a terminal that leaves costs no message, and does not keep it busy for ever.
test_left_output() {
	local kind
	tqueue create jobs
	for kind in stream seqpacket terminal packets; do
		tqueue send jobs one
		# The reader leaves while it waits for the next message.
		gives 1 timeout 20 reader "$kind" 1 tqueue recv --follow jobs
		err "nobody reads standard output any more"
		has out one
		# And while it waits for what another one has read in part.
		tqueue send jobs two three
		exec 3</dev/tq/jobs
		dd bs=1 count=1 <&3 >/dev/null 2>&1
		gives 1 timeout 20 reader "$kind" 1 tqueue drain jobs 3<&-
		exec 3<&-
		tqueue start jobs
		gives 0 tqueue recv --all jobs
		out wo
	done
	# While nothing is to be read, nothing disturbs its time limit.
	for kind in stream seqpacket terminal packets; do
		gives 4 timeout 20 reader "$kind" 0 tqueue recv --timeout=300ms jobs
		gives 4 timeout 20 reader "$kind" 0 tqueue recv --follow --timeout=300ms jobs
	done
	# No more is taken than it holds, and nothing is lost of that.
	seq 50000 >wanted
	tqueue set jobs --size=8M
	tqueue send --lines --file=wanted jobs
	gives 1 timeout 20 reader stream 100 tqueue recv --all jobs
	[ "$(attribute jobs messages)" -gt 20000 ] || no "only $(attribute jobs messages) messages are left"
	tqueue recv --all jobs >/dev/null
	# What keeps each write apart gets each message apart.
	tqueue send jobs one two three
	gives 0 timeout 20 reader seqpacket 0 tqueue recv --raw --all jobs
	out $'one\ntwo\nthree'
	tqueue send jobs one two three
	gives 0 timeout 20 reader packets 0 tqueue recv --raw --count=3 jobs
	out $'one\ntwo\nthree'
	gives 3 timeout 20 reader packets 0 tqueue recv --all jobs
}

# An output that is a queue gets each message as one.
test_queue_output() {
	tqueue create a
	tqueue create b
	printf '%s\n' "two" "lines" >in
	tqueue send a one ""
	tqueue send a --file=in
	tqueue peek --all a >/dev/tq/b
	is "messages that were copied" "$(attribute b messages)" 3
	tqueue recv --all a >/dev/tq/b
	is "messages of both" "$(attribute a messages)$(attribute b messages)" 06
	gives 0 tqueue recv --null --count=6 b
	{ printf 'one\0\0'; cat in; printf '\0one\0\0'; cat in; printf '\0'; } >wanted
	same out wanted
	# With the format that was asked for, else byte for byte.
	tqueue send a one two
	tqueue recv --lines a >/dev/tq/b
	tqueue recv --json a >/dev/tq/b
	gives 0 tqueue recv --raw b
	printf 'one\n' >wanted
	same out wanted
	gives 0 tqueue recv b
	has out '"text":"two"}'
	# Many, in order, and each once; drain does the same.
	seq 100000 >wanted
	tqueue set a --size=16M
	tqueue set b --size=16M
	tqueue send --lines --file=wanted a
	gives 0 sh -c 'tqueue drain a >/dev/tq/b'
	gives 0 tqueue recv --all b
	same out wanted
	tqueue start a
	# Not into itself.
	tqueue send a one
	gives 1 sh -c 'tqueue recv a >/dev/tq/a'
	err "this queue itself" "nothing was taken"
	gives 1 sh -c 'tqueue drain a >/dev/tq/a'
	is "state" "$(attribute a state)" started
	gives 0 sh -c 'tqueue peek a >/dev/tq/a'
	is "messages" "$(attribute a messages)" 2
	tqueue recv --all a >/dev/null
	# What is too long stays where it is.
	tqueue set b --max-message=1000
	tqueue send a short "$(head -c 1001 /dev/zero | tr '\0' x)" after
	gives 1 sh -c 'tqueue recv --all a >/dev/tq/b'
	err "longer than 1000 bytes" "it was not taken"
	is "messages of both" "$(attribute a messages)$(attribute b messages)" 21
	# With what a format adds it is too long only then: it is put back.
	tqueue recv --all a >/dev/null
	tqueue send a "$(head -c 1000 /dev/zero | tr '\0' x)"
	gives 1 sh -c 'tqueue recv --lines a >/dev/tq/b'
	err "too long" "1 message went back to its place"
	is "messages of both" "$(attribute a messages)$(attribute b messages)" 11
	tqueue stop b
	gives 1 sh -c 'tqueue recv a >/dev/tq/b'
	err "queue b, which is stopped" "tqueue start b"
	is "messages of both" "$(attribute a messages)$(attribute b messages)" 11
}

# One that is full, or goes away, costs no message.
test_full_queue_output() {
	local policy sum reader i
	tqueue create a --size=16M
	for policy in block reject; do
		tqueue create b --size=64K --overflow="$policy"
		seq 20000 >wanted
		tqueue send --lines --file=wanted a
		tqueue recv --follow a >/dev/tq/b 2>said &
		reader=$!
		# One that sends there as well.
		for i in 1 2 3 4 5 6 7 8 9 10; do
			yes other | head -n 1000 | tqueue send --lines b 2>/dev/null
		done &
		tqueue recv --follow --timeout=5 b 2>/dev/null | grep -v other >got
		same got wanted
		kill "$reader"
		wait "$reader" $!
		is "messages of both" "$(attribute a messages)$(attribute b messages)" 00
		tqueue remove b
	done
	# A signal ends it while it waits, and puts back what it has.
	for policy in block reject; do
		tqueue create b --size=64K --overflow="$policy"
		tqueue send --lines --file=wanted a
		tqueue recv --follow a >/dev/tq/b 2>said &
		reader=$!
		sleep 1
		kill "$reader"
		wait "$reader"
		is "status" $? 143
		sum=$(($(attribute a messages) + $(attribute b messages)))
		is "messages of both with $policy" "$sum" 20000
		tqueue recv --all b >/dev/null
		tqueue recv --all a >/dev/null
		tqueue remove b
	done
	tqueue create b --size=64K
	tqueue send --lines --file=wanted a
	gives 1 sh -c '{ sleep 1; tqueue remove --force b; } & tqueue recv --follow a >/dev/tq/b'
	err "standard output is a queue that was removed"
	# What it held is gone with it: not what was on its way.
	[ "$(attribute a messages)" -gt 18000 ] || no "only $(attribute a messages) are left"
	gives 0 tqueue recv --all a
	same <(tail -n "$(wc -l <out)" wanted) out
}

# A full disk costs no message, and tears none.
test_full_disk() {
	local command i idle
	mkdir disk
	mount -t tmpfs -o size=8K disk disk
	tqueue create jobs
	seq 5000 >wanted
	for command in "recv --all" drain; do
		tqueue start jobs
		tqueue send --lines --file=wanted jobs
		# shellcheck disable=SC2086 # words
		tqueue $command jobs >disk/out 2>err
		is "status of $command" $? 1
		err "No space left on device" "messages went back to their places in the queue"
		tqueue recv --all jobs >rest
		cat disk/out rest >got
		same got wanted
	done

	# A full queue, before whose senders nobody gets: its leases keep their room.
	tqueue start jobs
	tqueue set jobs --size=64K
	head -c 16000 /dev/zero >part
	for i in 1 2 3 4 5 6 7 8; do
		tqueue send jobs <part &
	done
	soon holds jobs 4
	# shellcheck disable=SC2016 # it is evaluated each time
	soon eval '[ "$(attribute jobs writers)" = 4 ]'
	head -c 9000 /dev/zero >disk/out 2>/dev/null
	gives 1 sh -c 'tqueue recv --count=4 jobs >>disk/out'
	err "4 messages went back to their places"
	gives 0 tqueue recv --count=8 --raw jobs
	is "bytes received" "$(wc -c <out)" 128000
	umount disk

	# What it has leased is more than the pipe takes as JSON.
	tqueue create tight --size=64K --overflow=reject
	head -c 1500 /dev/zero | tr '\0' '\1' >part
	for i in 1 2 3 4 5 6 7 8 9 10; do
		tqueue send tight <part
	done
	mkfifo fifo
	# Who holds it open and does not read.
	{ exec sleep 1000; } <fifo &
	idle=$!
	: >said
	tqueue recv --all --json tight >fifo 2>said &
	soon holds tight 0
	kill "$idle"
	wait $!
	has said "nobody reads it any more"
	is "what went back" "$(attribute tight messages)" "$(sed -n 's/.*; \([0-9]*\) messages went back.*/\1/p' said)"
}

# Closed files do not let a queue take their numbers.
test_closed_files() {
	tqueue create jobs
	tqueue send jobs one
	tqueue recv jobs >&- 2>err
	is "status without an output" $? 1
	err "not open for writing" "nothing was taken"
	tqueue recv jobs 1</dev/null 2>err
	is "status with an output that is for reading" $? 1
	err "not open for writing" "nothing was taken"
	tqueue send --lines jobs <&- 2>err
	is "status without an input" $? 1
	err "cannot read"
	tqueue set jobs --overflow=reject --size=4K
	head -c 2000 /dev/zero | tqueue send jobs 2>&-
	is "status" $? 1
	is messages "$(attribute jobs messages)" 1
	gives 0 tqueue recv jobs
	out one
}

# A reader that does not read holds it up, with no more in its hands than stands in the pipe.
test_full_output() {
	local left
	tqueue create jobs
	seq 20000 | tqueue send --lines jobs
	mkfifo fifo
	tqueue recv --follow jobs >fifo &
	exec 3<fifo
	sleep 1
	left=$(attribute jobs messages)
	[ "$left" -gt 5000 ] || no "only $left messages are left"
	kill $!
	wait $!
	cat <&3 >got
	exec 3<&-
	tqueue recv --all jobs >>got
	seq 20000 >wanted
	same got wanted
}
