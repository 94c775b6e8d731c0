package ceremony

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"chancela/internal/i18n"
)

// TestMain is also the program of a child process: one that holds a ceremony and is killed at a point, as by a power cut.
func TestMain(m *testing.M) {
	if dir := os.Getenv("CEREMONY_CHILD"); dir != "" {
		os.Exit(child(dir, os.Getenv("CEREMONY_KILL")))
	}
	os.Exit(m.Run())
}

func child(dir, point string) int {
	d, err := Open(dir, Options{Cost: least, Version: "ensaio", Commit: "0000000", Crash: func(at string) {
		if at == point {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // the signal is on its way
		}
		fmt.Fprintln(os.Stdout, "point", at)
	}})
	if err != nil {
		fmt.Fprintln(os.Stdout, err)
		return 1
	}
	p := &people{answers: willing(nil)}
	if err := d.Run(context.Background(), NewTalk(p, p, i18n.PT), "fundacao"); err != nil {
		fmt.Fprintln(os.Stdout, err)
		return 1
	}
	return 0
}

// killedAt runs a child until it is killed at a point; false if it came to its end.
func killedAt(t *testing.T, dir, point string) (said string, killed bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "CEREMONY_CHILD="+dir, "CEREMONY_KILL="+point)
	out, err := cmd.CombinedOutput()
	exit, _ := errors.AsType[*exec.ExitError](err)
	killed = exit != nil && exit.Sys().(syscall.WaitStatus).Signaled()
	if err != nil && !killed {
		t.Fatalf("%s: %v\n%s", point, err, out)
	}
	return string(out), killed
}

// short is a ceremony with every kind of step that a crash can hit, and as few of each as there can be.
const short = "ceremony: fundacao" + laterHead + `
authorities:
  - {name: raiz-exemplo, kind: root, organization: Entidade de Exemplo, common_name: Raiz TESTE, algorithm: ec-p256, years: 20, responder: OCSP da Raiz TESTE, responders_ahead: 1}
  - {name: emissora-exemplo, kind: issuing, issuer: raiz-exemplo, organization: Entidade de Exemplo, common_name: Emissora TESTE, algorithm: ec-p256, years: 10, online: true, responder: OCSP TESTE}
steps:
  - {do: convene}
  - {do: custody}
  - {do: key, of: raiz-exemplo}
  - {do: certify, of: raiz-exemplo, by: raiz-exemplo}
  - {do: key, of: emissora-exemplo}
  - {do: request, of: emissora-exemplo}
  - {do: certify, of: emissora-exemplo, by: raiz-exemplo}
  - {do: list, of: raiz-exemplo}
  - {do: end, of: raiz-exemplo, reason: cessation}
  - {do: destroy, of: raiz-exemplo}
  - {do: close}
`

// TestACeremonyGoesOnWhereItWasKilled kills a real process at every point, once each, and goes on: what was signed stands
// once, what may have been signed and is not there is on the list, and the minutes tell it.
func TestACeremonyGoesOnWhereItWasKilled(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "cofre")
	scripted(t, whole, "fundacao", "whole")
	writeLater(t, whole, "fundacao", short)
	said, _ := killedAt(t, whole, "")
	var points []string
	for line := range strings.Lines(said) {
		if at, ok := strings.CutPrefix(strings.TrimSpace(line), "point "); ok && !slices.Contains(points, at) {
			points = append(points, at)
		}
	}
	if len(points) < 35 {
		t.Fatalf("%d points: this test has nothing to look for\n%s", len(points), said)
	}
	dir := filepath.Join(t.TempDir(), "cofre")
	scripted(t, dir, "fundacao", "whole")
	writeLater(t, dir, "fundacao", short)
	for _, point := range points {
		if _, killed := killedAt(t, dir, point); !killed {
			t.Errorf("nobody was killed at %s", point)
		}
	}
	if _, killed := killedAt(t, dir, ""); killed {
		t.Error("killed without being told")
	}
	judgeKilled(t, dir)
}

func judgeKilled(t *testing.T, dir string) {
	t.Helper()
	d := openAt(t, dir, Options{})
	defer func() { _ = d.Close() }()
	states, err := d.Status()
	if err != nil || !states[0].Closed {
		t.Fatalf("%+v %v", states, err)
	}
	lost := d.record.of(didLose)
	if len(lost) != 4 { // two certificates, each killed between intent and signature, and between signature and file
		t.Errorf("%d lost serial numbers; wanted 4", len(lost))
	}
	if issued := d.record.of(didIssue); len(issued) != 2 {
		t.Errorf("%d certificates", len(issued))
	}
	serials := map[string]bool{}
	for _, e := range d.record.of(didIntend) {
		if n := e.Facts["serial_hex"]; n != "" && serials[n] {
			t.Errorf("%s was to be signed twice", n)
		} else {
			serials[n] = true
		}
	}
	out := filepath.Join(dir, outDir)
	root := filepath.Join(out, "raiz-exemplo.pem")
	mustVerify(t, root, nil, filepath.Join(out, "emissora-exemplo.pem"))
	list := strings.ToLower(mustTool(t, "openssl", "crl", "-inform", "DER", "-in", filepath.Join(out, "raiz-exemplo.crl"), "-CAfile", root, "-noout", "-text"))
	text := strings.Join(strings.Fields(mustTool(t, "pdftotext", filepath.Join(dir, minutesName("fundacao")), "-")), "")
	for _, e := range lost {
		if !strings.Contains(list, e.Facts["serial_hex"]) {
			t.Errorf("%s may have been signed, and is not on the list", e.Facts["serial_hex"])
		}
		if !strings.Contains(text, e.Facts["serial_hex"]) {
			t.Errorf("the minutes do not tell of %s", e.Facts["serial_hex"])
		}
	}
	if keys, _ := os.ReadDir(filepath.Join(dir, keysDir)); len(keys) != 1 || keys[0].Name() != "emissora-exemplo.key.json" {
		t.Errorf("of the keys there are %v", keys)
	}
	if !strings.Contains(list, "dec 31 23:59:59 9999 gmt") || !strings.Contains(list, "cessation of operation") {
		t.Errorf("not a last list with what was in force revoked:\n%s", list)
	}
	if destroyed, _ := d.record.last(didDestroy, "raiz-exemplo"); destroyed.Facts["copy"] == "" || !strings.Contains(text, strings.TrimPrefix(destroyed.Facts["copy"], "SHA-256 ")) {
		t.Error("the minutes do not have the digest of the destroyed key's file")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*", ".new-*")); len(left) > 2 {
		t.Errorf("left behind: %v", left)
	}
	if pdf, err := d.Minutes("fundacao"); err != nil || !bytes.HasPrefix(pdf, []byte("%PDF")) {
		t.Error(err)
	}
}
