# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Tests of tests/command/inside: tqueue show names the processes that hold something of a queue, or sleep on it.

# shown PATTERN: 'tqueue show jobs' has a line like that.
shown() {
	tqueue show jobs | grep -q -E -e "$1"
}

test_show_files() {
	local worker sleeper sender
	tqueue create jobs --size=4K
	gives 0 tqueue show jobs
	! grep -q PID out || no "it shows processes that are not there: $(cat out)"

	# One that sleeps in read(), in RECEIVE, in poll().
	cat /dev/tq/jobs >/dev/null &
	sleeper=$!
	soon shown "^ +$sleeper root +S +3 read +receive +0 +- +0 cat /dev/tq/jobs\$"
	kill "$sleeper"
	tqueue recv --follow jobs >/dev/null &
	soon shown "^ +$! root +S +[0-9]+ read +(poll|receive) +0 +- +0 tqueue recv --follow jobs\$"
	kill "$!"
	soon ended

	# Leases are shown for the process that has the file; and a partial message.
	printf 'one\ntwo\nthree\n' | tqueue send --lines jobs
	bash -c 'exec 3</dev/tq/jobs; tqueue recv --lease --fd=3 --count=2 >/dev/null; exec sleep 1000' &
	worker=$!
	soon shown "^ +$worker root +S +3 read +- +2 +[0-9]+(ms|s) +0 sleep 1000\$"
	exec 5<>/dev/tq/jobs
	gives 0 dd bs=1 count=2 <&5
	soon shown "^ +$$ root +S +5 both +- +0 +- +3 bash inside"
	gives 0 tqueue show --json jobs
	has out "{\"pid\":$worker,\"user\":\"root\",\"process_state\":\"S\",\"command\":\"sleep 1000\",\"fd\":3,\"access\":\"read\",\"partial\":0,\"leases\":2,\"oldest_lease\":" \
		'"partial":3,' '"files_hidden":false}'
	exec 5>&-
	kill -STOP "$worker"
	soon shown "^ +$worker root +T +3 read "
	kill -KILL "$worker"
	wait "$worker" 2>/dev/null

	# One that waits for room, and one for all to be settled.
	while tqueue send --timeout=0 jobs xxxxxxxxxxxxxxxx 2>/dev/null; do :; done
	sh -c 'echo more >/dev/tq/jobs' &
	sender=$!
	soon shown "^ +$sender root +S +1 write +send +0 "
	tqueue wait jobs &
	soon shown "look +settled +0 +- +0 tqueue wait jobs"
	killall tqueue
	kill "$sender"
	soon ended
}

# Whoever is not root sees what is his.
test_show_files_of_others() {
	local other
	tqueue create jobs --mode=0666
	sleep 60 3</dev/tq/jobs &
	other=$!
	gives 0 as_nobody "sleep 50 4</dev/tq/jobs & sleep 1; tqueue show jobs; kill \$!"
	has out "sleep 50" "(processes of other users are not shown; root sees them)"
	! grep -q 'sleep 60' out || no "it shows what it cannot see"
	gives 0 as_nobody "tqueue show --json jobs"
	has out '"files_hidden":true'
	kill "$other"
}
