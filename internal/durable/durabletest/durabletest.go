// Package durabletest gives tests a disk that fails: strace makes the syncs that a program asks for end in an error, and
// nothing else of it.
package durabletest

// Failing gives the command that runs another one whose every sync of path ends in EIO. The path is that of the file at
// the moment of the sync, whatever it was opened by: a test that moves the file there says from when on it fails.
// The program that is started is the command's own process, as if strace were not there.
func Failing(path string, command ...string) []string {
	return append([]string{
		"strace", "-D", "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-P", path,
		"-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO",
	}, command...)
}
