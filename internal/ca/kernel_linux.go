package ca

import (
	"errors"
	"fmt"
	"syscall"
	"time"
)

// The states and flags of adjtimex(2) that matter here.
const (
	leapOver      = 3    // TIME_OOP: a leap second is being inserted, and a second is told twice
	notSynced     = 5    // TIME_ERROR
	unsynchronous = 0x40 // STA_UNSYNC
)

// KernelClock asks the kernel how far its clock may be from UTC. It knows from the system's time service (chrony, ntpd,
// systemd-timesyncd), and lets the bound grow while it hears nothing.
func KernelClock() (time.Duration, error) {
	var t syscall.Timex
	state, err := syscall.Adjtimex(&t)
	switch {
	case err != nil:
		return 0, fmt.Errorf("adjtimex: %w", err)
	case state == notSynced || t.Status&unsynchronous != 0:
		return 0, errNoTimeService
	case state == leapOver:
		return 0, errors.New("a leap second is under way")
	}
	return time.Duration(t.Maxerror) * time.Microsecond, nil
}
