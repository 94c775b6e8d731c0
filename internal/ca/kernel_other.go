//go:build !linux

package ca

import "time"

// KernelClock knows nothing here: only Linux is asked.
func KernelClock() (time.Duration, error) { return 0, errNoTimeService }
