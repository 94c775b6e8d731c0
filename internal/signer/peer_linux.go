package signer

import (
	"errors"
	"net"
	"syscall"
)

// userOf says whose process is at the other end of a socket, as the kernel knows it (SO_PEERCRED).
func userOf(c *net.UnixConn) (int, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return -1, err
	}
	user := -1
	var failed error
	err = raw.Control(func(fd uintptr) {
		peer, err := syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
		if failed = err; err == nil {
			user = int(peer.Uid)
		}
	})
	return user, errors.Join(err, failed)
}
