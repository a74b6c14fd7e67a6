# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Tests of tests/command/inside: tqueue apply: the files of queues.
# shellcheck disable=SC2317,SC2154,SC2034 # they are called by their names; what they use and set is there

test_persist() {
	rm -rf /etc/tqueue
	gives 0 tqueue create mail --persist --size=16M --overflow=reject --mode=0666
	has "$conf"/mail.conf '[Queue]' Size=16M Overflow=reject Mode=0666
	is mode "$(stat -c %a "$conf"/mail.conf)" 644
	is "files there" "$(ls -A "$conf")" mail.conf
	printf '; mine\n\n[Queue]\nSize=1M\n# what for\nSize = 4M\nX-Mine=1\nOwner=nobody\n' >"$conf"/hand.conf
	gives 0 tqueue apply
	out "hand: created"
	is size "$(attribute hand size)" 4194304
	is owner "$(stat -c %U /dev/tq/hand)" nobody
	gives 0 tqueue apply
	out ""
	gives 0 tqueue set hand --persist --size=8M --end-of-file=last-writer
	printf '; mine\n\n[Queue]\nSize=1M\n# what for\nSize=8M\nX-Mine=1\nOwner=nobody\nEndOfFile=last-writer\n' >wanted
	same "$conf"/hand.conf wanted
	tqueue set hand --size=64K --end-of-file=never --owner=root
	gives 0 tqueue apply hand mail
	out "hand: changed"
	is size "$(attribute hand size)" 8388608
	is owner "$(stat -c %U /dev/tq/hand)" nobody

	# The queue has an owner of its own, which can differ from that of its file.
	chown root /dev/tq/hand
	gives 0 tqueue apply hand
	out "hand: changed"
	is owner "$(stat -c %U /dev/tq/hand)" nobody
	tqueue set hand --owner=root
	chown nobody /dev/tq/hand
	gives 1 as_nobody tqueue set hand --overflow=reject
	gives 0 tqueue apply hand
	out "hand: changed"
	is "owner in the driver" "$(attribute hand owner)" "$(stat -c %u /dev/tq/hand)"
	gives 0 as_nobody tqueue set hand --overflow=block
	gives 0 tqueue apply hand
	out ""
	gives 0 tqueue set hand --persist --no-reader=error
	has "$conf"/hand.conf NoReader=error
	tqueue set hand --no-reader=keep
	gives 0 tqueue apply hand
	is no_reader "$(attribute hand no_reader)" error
	gives 0 tqueue apply hand
	out ""
	# Who does not exist stops all of it.
	cp "$conf"/hand.conf kept
	sed -i 's/Owner=.*/Owner=nobodyelse/; s/Size=8M/Size=1M/' "$conf"/hand.conf
	gives 1 tqueue apply hand
	err "no user 'nobodyelse'"
	is size "$(attribute hand size)" 8388608
	cp kept "$conf"/hand.conf
	# What is made persistent later gives nobody the queue who has only its file.
	tqueue create lent
	chown nobody /dev/tq/lent
	gives 0 tqueue set lent --persist
	has "$conf"/lent.conf Owner=root
	gives 0 tqueue remove lent --persist
	gives 0 tqueue create piped --like-pipe --persist
	has "$conf"/piped.conf EndOfFile=last-writer NoReader=error
	gives 0 tqueue remove piped --persist

	gives 0 tqueue remove mail
	err "again after a restart" "$conf"/mail.conf --persist
	gives 0 tqueue apply
	out "mail: created"
	gives 0 tqueue remove --persist mail
	is stderr "$(cat err)" ""
	[ ! -e "$conf"/mail.conf ] || no "mail.conf is still there"
	gives 5 tqueue remove --persist mail
	tqueue remove hand 2>/dev/null
	gives 0 tqueue remove --persist hand
	tqueue create live --size=128K --group=nogroup
	gives 0 tqueue set live --persist
	has "$conf"/live.conf Size=128K Overflow=block EndOfFile=never NoReader=keep Owner=root Group=nogroup Mode=0660
	gives 0 tqueue apply
	out ""
	gives 0 tqueue show live
	has out "persistent   $conf/live.conf"
	# The default queue is always there.
	printf '[Queue]\nOverflow=reject\n' >"$conf"/tqueue.conf
	gives 0 tqueue apply tqueue
	out "tqueue: changed"
	is overflow "$(attribute tqueue overflow)" reject
	tqueue set tqueue --overflow=block
	gives 1 tqueue apply nothing
	err "$conf"/nothing.conf
	gives 1 as_nobody tqueue apply
	err "not permitted" root
	rm -rf /etc/tqueue
}

test_wrong_files() {
	rm -rf /etc/tqueue
	mkdir -p "$conf" /run/tqueue/queues.d /usr/lib/tqueue/queues.d
	printf '[Queue]\n' >"$conf"/a.conf
	printf '[Queue]\n\nSize=64K\nColour=red\n' >"$conf"/b.conf
	printf '[Queue]\nSize=none\nMode=0777\n' >"$conf"/c.conf
	printf '[Queue]\nOwner=nobodyelse\n' >"$conf"/d.conf
	printf 'Size=64K\n' >"$conf"/e.conf
	printf '[Queue]\nSize=128K\n' >"$conf"/z.conf
	printf '[Queue]\n' >"$conf/bad name.conf"
	printf '[Queue]\n' >"$conf"/ignored.conf.bak
	gives 1 tqueue apply
	err "$conf/b.conf:4: " "'Colour'" "$conf/c.conf:2: Size=none" "$conf/c.conf:3: Mode=0777" "no user 'nobodyelse'" \
		"$conf/e.conf:1: " "bad name.conf"
	out $'a: created\nz: created'
	is queues "$(echo /dev/tq/*)" "/dev/tq/a /dev/tq/z"
	# The one in /etc counts; a link to /dev/null hides.
	rm "$conf"/*
	tqueue remove a z 2>/dev/null
	for directory in /run /usr/lib; do
		printf '[Queue]\nSize=64K\n' >"$directory"/tqueue/queues.d/low.conf
		printf '[Queue]\n' >"$directory"/tqueue/queues.d/hidden.conf
	done
	printf '[Queue]\nSize=32K\n' >/run/tqueue/queues.d/low.conf
	ln -s /dev/null "$conf"/hidden.conf
	gives 0 tqueue apply
	out "low: created"
	is size "$(attribute low size)" 32768
	gives 0 tqueue set --persist low --overflow=reject
	printf '[Queue]\nSize=32K\nOverflow=reject\n' >wanted
	same "$conf"/low.conf wanted
	gives 0 tqueue remove --persist low
	err "/run/tqueue/queues.d/low.conf" /dev/null
	rm -rf /etc/tqueue /run/tqueue /usr/lib/tqueue
}

# Early in the boot some users and groups cannot be looked up: their queues are skipped, reported, and written to the file.
test_deferred() {
	rm -rf /etc/tqueue
	mkdir -p "$conf"
	printf '[Queue]\n' >"$conf"/early.conf
	printf '[Queue]\nOwner=latecomer\nMode=0600\n' >"$conf"/late.conf
	printf '[Queue]\nGroup=latecomers\n' >"$conf"/later.conf
	printf '[Queue]\nOwner=4711\n' >"$conf"/number.conf
	printf '[Queue]\nGroup=latecomers\nOverflow=reject\n' >"$conf"/tqueue.conf
	echo stale >left
	gives 0 tqueue apply --defer=left
	out $'early: created\nnumber: created'
	err "tqueue: late: no user 'latecomer' yet" "tqueue: later: no group 'latecomers' yet" \
		"tqueue: tqueue: no group 'latecomers' yet"
	is "what is left" "$(cat left)" $'late\nlater\ntqueue'
	is "the default queue's overflow" "$(attribute tqueue overflow)" block
	is queues "$(echo /dev/tq/*)" "/dev/tq/early /dev/tq/number"

	# Between the two runs a queue may be changed: the second leaves it alone.
	tqueue set early --size=64K
	cp /etc/passwd passwd
	echo 'latecomer:x:4712:4712::/:/bin/sh' >>/etc/passwd
	# shellcheck disable=SC2046 # one word a queue
	gives 1 tqueue apply $(cat left)
	out "late: created"
	err "tqueue: later: no group 'latecomers'"
	is "owner and mode" "$(stat -c '%u %a' /dev/tq/late)" "4712 600"
	is "size of the other" "$(attribute early size)" 65536

	gives 0 tqueue apply --defer=left late
	is "what is left" "$(cat left)" ""
	printf '[Queue]\nColour=red\n' >"$conf"/wrong.conf
	gives 1 tqueue apply --defer=left
	err "wrong.conf:2: "
	is "what is left" "$(cat left)" $'later\ntqueue'
	gives 1 tqueue apply --defer=/dev/full
	err "tqueue: /dev/full: No space left on device"
	gives 1 tqueue apply --defer=/nowhere/left
	err "tqueue: /nowhere/left: No such file or directory"
	rm "$conf"/*
	gives 0 tqueue apply --defer=left
	is "what is left" "$(cat left)" ""
	cp passwd /etc/passwd
	tqueue set tqueue --overflow=block
	rm -rf /etc/tqueue
}

# Files of other kinds cause no wait, and only a few messages.
test_rubbish_files() {
	rm -rf /etc/tqueue
	mkdir -p "$conf"/directory.conf
	mkfifo "$conf"/fifo.conf
	ln -s /dev/zero "$conf"/endless.conf
	ln -s nothing "$conf"/dangling.conf
	head -c 100000 /dev/zero >"$conf"/large.conf
	seq 1000 >"$conf"/numbers.conf
	printf '[Queue]\n\033[2J\n' >"$conf"/terminal.conf
	printf '[Queue]\r\nSize=64K' >"$conf"/windows.conf
	gives 1 tqueue apply
	out "windows: created"
	err "directory.conf: not a regular file" "fifo.conf: not a regular file" "endless.conf: not a regular file" \
		"dangling.conf: No such file" "large.conf: too large" "numbers.conf:10: " "terminal.conf:2: not text"
	[ "$(wc -l <err)" -lt 20 ] || no "it said $(wc -l <err) lines"
	gives 1 tqueue create --persist fifo
	err "not a regular file" "as before after a restart"
	# The queue is made, and it says so, when its file cannot be written.
	mount -t tmpfs -o ro none "$conf"
	gives 1 tqueue create --persist jobs
	err "jobs.conf: Read-only file system" "as before after a restart"
	[ -e /dev/tq/jobs ] || no "there is no queue"
	umount "$conf"
	rm -rf /etc/tqueue
}
