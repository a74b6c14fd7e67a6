// SPDX-License-Identifier: GPL-2.0-only
// What tqueue(4) says of Go.
package main

import (
	"errors"
	"fmt"
	"os"
	"time"
)

func must(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func main() {
	buffer := make([]byte, 1<<20)
	switch os.Args[1] {
	case "send":
		jobs, err := os.OpenFile("/dev/tq/jobs", os.O_WRONLY, 0)
		must(err)
		fmt.Fprintf(jobs, "%s", "one")
		jobs.Write([]byte("two"))
	case "receive":
		jobs, err := os.Open("/dev/tq/jobs")
		must(err)
		n, err := jobs.Read(buffer)
		must(err)
		fmt.Printf("%s", buffer[:n])
	case "deadline":
		jobs, err := os.Open("/dev/tq/jobs")
		must(err)
		jobs.SetReadDeadline(time.Now().Add(time.Second))
		_, err = jobs.Read(buffer)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			fmt.Println("i/o timeout")
		}
	case "fill":
		jobs, err := os.OpenFile("/dev/tq/jobs", os.O_WRONLY, 0)
		must(err)
		sent := 0
		for ; sent < 1000; sent++ {
			_, err := jobs.Write(buffer[:1000])
			must(err)
		}
		fmt.Println(sent)
	case "whole":
		must(os.WriteFile("/dev/tq/jobs", buffer[:600000], 0))
	}
}
