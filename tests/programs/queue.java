// SPDX-License-Identifier: GPL-2.0-only
// What tqueue(4) says of Java.
import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.FileReader;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

class queue {
	public static void main(String[] arguments) throws Exception {
		switch (arguments[0]) {
		case "send": {
			var jobs = new FileOutputStream("/dev/tq/jobs");
			jobs.write("one".getBytes());
			jobs.write("two".getBytes());
			break;
		}
		case "println": {
			var jobs = new PrintStream(new FileOutputStream("/dev/tq/jobs"), true);
			jobs.println("one");
			jobs.println("two");
			break;
		}
		case "receive": {
			var jobs = new FileInputStream("/dev/tq/jobs");
			byte[] job = new byte[1 << 20];
			int length = jobs.read(job);
			System.out.write(job, 0, length);
			System.out.flush();
			break;
		}
		case "buffered": {
			var jobs = new BufferedReader(new FileReader("/dev/tq/jobs"));
			System.out.println(jobs.readLine());
			Thread.sleep(1000000);
			break;
		}
		case "files":
			Files.write(Path.of("/dev/tq/jobs"), new byte[600000], StandardOpenOption.WRITE);
			break;
		case "whole":
			new FileOutputStream("/dev/tq/jobs").write(new byte[600000]);
			break;
		}
	}
}
