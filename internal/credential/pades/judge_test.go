package pades_test

import (
	"context"
	"os/exec"
	"testing"
	"time"
)

// Where Debian keeps the outside judges. A judge that is missing is a failure: a check that cannot fail is none.
var packages = map[string]string{
	"pdfsig": "poppler-utils", "pdfinfo": "poppler-utils", "certutil": "libnss3-tools", "qpdf": "qpdf", "mutool": "mupdf-tools", "openssl": "openssl",
}

// judge runs an outside program and gives all it said, and whether it ended well.
func judge(t *testing.T, program string, args ...string) (said string, well bool) {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Fatalf("%s is missing: apt-get install %s", program, packages[program])
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, args...).CombinedOutput()
	return string(out), err == nil
}

// mustJudge is judge for a program that has to end well.
func mustJudge(t *testing.T, program string, args ...string) string {
	t.Helper()
	said, well := judge(t, program, args...)
	if !well {
		t.Fatalf("%s %v: %s", program, args, said)
	}
	return said
}
