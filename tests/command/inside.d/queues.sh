# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Tests of tests/command/inside: tqueue create, remove, list, show and set: queues and their policies.
# shellcheck disable=SC2317,SC2154,SC2034 # they are called by their names; what they use and set is there

test_create_and_remove() {
	gives 0 tqueue create jobs
	is "access" "$(stat -c '%U:%G %a' /dev/tq/jobs)" root:tqueue\ 660
	gives 1 tqueue create jobs
	err "tqueue: jobs: " already "tqueue set jobs"
	gives 0 tqueue create big --size=4M --max-message=100000 --overflow=reject --end-of-file=last-writer \
		--owner=nobody --group=65534 --mode=0620
	is "access" "$(stat -c '%U:%G %a' /dev/tq/big)" nobody:nogroup\ 620
	is size "$(attribute big size)" 4194304
	is max_message "$(attribute big max_message)" 100000
	is overflow "$(attribute big overflow)" reject
	is end_of_file "$(attribute big end_of_file)" last-writer
	is no_reader "$(attribute big no_reader)" keep
	gives 0 tqueue create strict --no-reader=error
	is policies "$(attribute strict end_of_file) $(attribute strict no_reader)" "never error"
	gives 0 tqueue create pipe --like-pipe
	is policies "$(attribute pipe end_of_file) $(attribute pipe no_reader)" "last-writer error"
	# The last one counts.
	gives 0 tqueue create half --like-pipe --end-of-file=never
	is policies "$(attribute half end_of_file) $(attribute half no_reader)" "never error"
	for name in .hidden a/b 'a b' '' "$(printf '%064d' 0)"; do
		gives 1 tqueue create "$name"
		err "$name: "
	done
	gives 0 tqueue create "$(printf '%063d' 0)"
	gives 1 tqueue create q --owner=nobodyelse
	err "no user 'nobodyelse'"
	gives 1 tqueue create q --size=64K --max-message=64K
	err "a quarter of the size"
	gives 1 as_nobody tqueue create mine
	err root
	gives 1 as_nobody tqueue remove jobs

	gives 0 tqueue send jobs x
	gives 1 tqueue remove jobs
	err "holds messages" --force
	gives 0 tqueue remove --force jobs big
	[ ! -e /dev/tq/jobs ] || no "/dev/tq/jobs is still there"
	gives 5 tqueue remove jobs
	err "tqueue: jobs: no such queue"
	gives 1 tqueue remove tqueue
	err "default queue"
}

test_list_and_show() {
	tqueue create jobs --size=64K
	tqueue send jobs one two
	gives 0 as_nobody tqueue list
	has out NAME jobs tqueue 64K
	is lines "$(wc -l <out)" 3
	gives 0 as_nobody tqueue list --no-header
	is lines "$(wc -l <out)" 2
	gives 0 as_nobody tqueue list --json
	has out '{"name":"jobs","path":"/dev/tq/jobs","state":"started","paused":false,"held_up":false,"messages":2,' '"size":65536' \
		'"owner":"root","group":"tqueue","mode":"0660"}'
	has out '"no_reader":"keep"' '"blocked_senders":0,"in_flight":0,"sent":2,"received":0' "\"uuid\":\"$(attribute jobs uuid)\"" \
		'"queue_owner":"root"'
	gives 0 as_nobody tqueue show jobs
	has out "messages     2" "access       root:tqueue 0660" "state        started" "persistent   no" "no-reader    keep" \
		"sent         2" "uuid         $(attribute jobs uuid)" "owner        root"
	# One sender waits for room, and a message is read in part.
	exec 3</dev/tq/jobs
	dd bs=1 count=1 <&3 >/dev/null 2>&1
	head -c 16000 /dev/zero >part
	for i in 1 2 3 4 5; do
		tqueue send jobs <part 3<&- &
	done
	soon blocks jobs
	gives 0 tqueue show jobs
	has out "blocked      $(attribute jobs blocked_senders)" "in-flight    1"
	tqueue list >out
	is "the last column" "$(awk '$1 == "jobs" { print $NF }' out)" "$(attribute jobs blocked_senders)"
	exec 3<&-
	tqueue recv --all jobs >/dev/null
	# Who has the file need not have the queue.
	chown nobody /dev/tq/jobs
	tqueue set jobs --no-reader=error
	gives 0 tqueue show jobs
	has out "access       nobody:tqueue 0660" "owner        root" "no-reader    error"
	gives 0 tqueue show --json jobs
	has out '"owner":"nobody"' '"queue_owner":"root"' '"no_reader":"error"'
	tqueue stop jobs
	gives 0 tqueue show --json jobs
	has out '"state":"stopped"'
	gives 5 tqueue show jobs nothing
	err "tqueue: nothing: no such queue"
	has out jobs
	gives 2 tqueue list jobs

	# By its path, too; other paths are no names.
	gives 0 tqueue show /dev/tq/jobs /dev/tqueue
	has out "path         /dev/tq/jobs" "path         /dev/tqueue"
	gives 1 tqueue show /tmp/jobs
	err "/tmp/jobs: expected the name of a queue"
	# The table fits a terminal, and a long name does not shift its columns.
	tqueue list >out
	is "widths of lines" "$(awk '{ print length }' out | sort -u)" 79
	tqueue create "$(printf '%063d' 0)"
	tqueue list >out
	is "widths of lines" "$(awk '{ print length }' out | sort -u)" 128
}

test_set() {
	tqueue create jobs
	head -c 300000 /dev/zero | tqueue send jobs
	gives 0 tqueue set jobs --size=8M --overflow=reject --mode=0606 --owner=nobody --group=nogroup
	is size "$(attribute jobs size)" 8388608
	is overflow "$(attribute jobs overflow)" reject
	is access "$(stat -c '%U:%G %a' /dev/tq/jobs)" nobody:nogroup\ 606
	gives 1 tqueue set jobs --size=64K
	err "fits into that size"
	is size "$(attribute jobs size)" 8388608
	gives 0 as_nobody tqueue set jobs --end-of-file=last-writer
	is end_of_file "$(attribute jobs end_of_file)" last-writer
	tqueue set jobs --owner=root
	gives 1 as_nobody tqueue set jobs --end-of-file=never
	err "tqueue: jobs: "
	is end_of_file "$(attribute jobs end_of_file)" last-writer
	gives 0 tqueue set jobs --no-reader=error
	is no_reader "$(attribute jobs no_reader)" error
	gives 0 tqueue set jobs --no-reader=keep
	is no_reader "$(attribute jobs no_reader)" keep
	gives 5 tqueue set nothing --size=1M
	is length "$(tqueue recv --raw jobs | wc -c)" 300000
}

# Both ends of one that was made so find out when the other one has left, as on a pipe.
test_like_pipe() {
	local writer reader
	tqueue create jobs --like-pipe --size=64K
	# What comes before the first reader waits for it.
	gives 0 tqueue send jobs one
	gives 0 tqueue recv --follow jobs
	out one
	# A sender that waits for room, and one that sends when the reader has left.
	head -c 16000 /dev/zero >part
	mkfifo lines
	tqueue send --lines jobs <lines 2>said &
	writer=$!
	exec 3>lines
	echo x >&3
	gives 0 tqueue recv jobs
	echo y >&3
	wait "$writer"
	is "status of the sender" $? 6
	has said "tqueue: jobs: the last reader has left" "tqueue set jobs --no-reader=keep" "1 message was sent before"
	exec 3>&- 4>/dev/tq/jobs
	tqueue recv --count=100 jobs >/dev/null &
	reader=$!
	soon has_a_reader
	kill -STOP "$reader"
	for i in 1 2 3 4 5; do
		tqueue send jobs <part
	done 2>said &
	writer=$!
	soon blocks jobs
	kill -KILL "$reader"
	wait "$reader" "$writer" 2>/dev/null
	has said "tqueue: jobs: the last reader has left"
	exec 4>&-
	tqueue recv --all jobs >/dev/null

	# As the output of another one, which loses nothing.
	tqueue create a
	tqueue recv --follow a >/dev/tq/jobs 2>said &
	writer=$!
	tqueue send a one
	gives 0 tqueue recv jobs
	out one
	wait "$writer"
	is "status of the receiver" $? 1
	has said "standard output is queue jobs, whose last reader has left" "no message was lost"
	tqueue send a two three
	is "messages of both" "$(attribute a messages)$(attribute jobs messages)" 20
	# Nor does it take anything where the reader has left before it starts.
	exec 4>/dev/tq/jobs
	tqueue send jobs x
	gives 0 tqueue recv jobs
	tqueue recv --all a 2>err >&4
	is "status of the receiver" $? 1
	err "standard output is queue jobs, whose last reader has left" "no message was lost"
	exec 4>&-
	gives 0 tqueue recv --all a
	out $'two\nthree'

	# Others get the signal.
	yes >/dev/tq/jobs &
	writer=$!
	is "what head reads" "$(head -n 1 </dev/tq/jobs)" y
	wait "$writer"
	is "status of yes" $? 141
}

# Each policy, as an option, shown, in a file, and put in force again.
test_policies() {
	local options='--max-attempts=3 --ttl=90min --on-expired=bury --on-exhausted=drop --lease-limit=30s --max-leased=7 --max-buried=8K --unique=queue'
	rm -rf /etc/tqueue
	# shellcheck disable=SC2086 # words
	gives 0 tqueue create jobs --persist $options
	has "$conf"/jobs.conf MaxAttempts=3 'TTL=1h 30min' OnExpired=bury OnExhausted=drop LeaseLimit=30s MaxLeased=7 MaxBuried=8K Unique=queue
	gives 0 tqueue show jobs
	has out "max-attempts 3" "ttl          1h 30min" "on-expired   bury" "on-exhausted drop" "lease-limit  30s" "max-leased   7" \
		"max-buried   8192" "unique       queue"
	gives 0 tqueue show --json jobs
	has out '"ttl":5400000000000,"on_expired":"bury","max_attempts":3,"on_exhausted":"drop","lease_limit":30000000000,"max_leased":7,"max_buried":8192,"unique":"queue"'
	gives 0 tqueue apply
	out ""
	gives 0 tqueue set jobs --max-attempts=infinity --ttl=infinity --on-expired=drop --on-exhausted=bury --lease-limit=infinity \
		--max-leased=0 --max-buried=0 --unique=user
	gives 0 tqueue show jobs
	has out "max-attempts infinity" "ttl          infinity" "on-expired   drop" "on-exhausted bury" "lease-limit  infinity" \
		"max-leased   infinity" "max-buried   524288" "unique       user"
	gives 0 tqueue apply
	out "jobs: changed"
	gives 0 tqueue show --json jobs
	has out '"max_attempts":3,' '"max_buried":8192,'
	tqueue create plain
	gives 0 tqueue set plain --persist
	has "$conf"/plain.conf MaxAttempts=16 TTL=infinity LeaseLimit=infinity MaxLeased=infinity Unique=user
	! grep -q MaxBuried "$conf"/plain.conf || no "a quarter of the size is written down"
	gives 0 tqueue apply
	out ""
	tqueue set jobs --ttl=100ms
	tqueue send jobs old
	soon holds jobs 0
	gives 3 tqueue recv --all jobs
	gives 2 tqueue create q --max-attempts=65536
	err "'65536'" infinity
	gives 2 tqueue create q --ttl=soon
	gives 2 tqueue create q --on-expired=keep
	err "drop or bury"
	gives 2 tqueue create q --unique=all
	err "user or queue"
	rm -rf /etc/tqueue
}
