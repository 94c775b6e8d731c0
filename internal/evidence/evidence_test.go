package evidence

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"filippo.io/age"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/blob"
	"chancela/internal/db"
	"chancela/internal/db/dbtest"
	"chancela/internal/fault"
)

type kit struct {
	*Service
	db   *db.DB
	path string
}

func each(t *testing.T, test func(t *testing.T, k kit)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) { test(t, made(t, d, nil)) })
}

func made(t *testing.T, d *db.DB, scanner Scanner) kit {
	t.Helper()
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	path := t.TempDir()
	store, err := blob.OpenDir(path, key)
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(d, Config{Store: store, Scanner: scanner, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return kit{s, d, path}
}

// onDisk counts the files of the store, temporary ones too.
func (k kit) onDisk(t *testing.T) (n int) {
	t.Helper()
	err := filepath.WalkDir(k.path, func(_ string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (k kit) of(t *testing.T, caseID string) (docs []Doc) {
	t.Helper()
	err := k.db.Look(t.Context(), func(tx *db.Tx) (err error) {
		docs, err = Of(t.Context(), tx, caseID)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return docs
}

func (k kit) entries(t *testing.T) int {
	t.Helper()
	var entries []audit.Entry
	err := k.db.Look(t.Context(), func(tx *db.Tx) (err error) {
		entries, err = audit.Entries(t.Context(), tx, audit.Filter{Portal: "one"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

var (
	applicant = actor.Actor{Kind: actor.Person, Portal: "one", Person: "p1", Strength: actor.ByCode}
	officer   = actor.Actor{Kind: actor.Officer, Portal: "one", Person: "p2", Roles: []actor.Role{actor.Decider}, Strength: actor.ByCode}
	rule      = Rule{Kinds: all, MaxMB: 1, MaxFiles: 3, CaseMaxMB: 2}
)

func yes(context.Context, *db.Tx) error { return nil }

func no(context.Context, *db.Tx) error { return fault.New(fault.Forbidden, "fault.forbidden") }

func upload(content []byte) Upload {
	return Upload{Portal: "one", Case: "c1", Slot: "proof", Name: "ata.pdf", Reader: bytes.NewReader(content)}
}

func (k kit) add(t *testing.T, content []byte) Doc {
	t.Helper()
	doc, err := k.Add(t.Context(), applicant, upload(content), rule, yes)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestWhatWasAddedIsOpenedByThoseWhoMay(t *testing.T) {
	each(t, func(t *testing.T, k kit) {
		content := pdf("<< /S /JavaScript /JS (1) >>")
		doc := k.add(t, content)
		if doc.Scan != Unscanned || len(doc.Findings) != 1 || doc.By != "p1" || doc.At.IsZero() {
			t.Errorf("%+v", doc)
		}
		for _, by := range []actor.Actor{applicant, officer} {
			got, r, err := k.Open(t.Context(), by, "one", "c1", doc.ID, yes)
			if err != nil {
				t.Fatal(err)
			}
			back, err := io.ReadAll(r)
			_ = r.Close()
			if err != nil || !bytes.Equal(back, content) || got.Digest != doc.Digest || got.Findings[0] != Script {
				t.Fatalf("%+v %v", got, err)
			}
		}
		if docs := k.of(t, "c1"); len(docs) != 1 || k.entries(t) != 1 {
			t.Fatalf("%d documents, %d entries", len(docs), k.entries(t))
		}
	})
}

func TestWhoMayNotSeesAndChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, k kit) {
		doc := k.add(t, pdf())
		stranger := actor.Actor{Kind: actor.Person, Portal: "two", Person: "p9", Strength: actor.ByCode}
		clerk := actor.Actor{Kind: actor.Officer, Portal: "one", Person: "p3", Roles: []actor.Role{actor.Administrator}, Strength: actor.ByCode}
		for name, c := range map[string]struct {
			by           actor.Actor
			portal, file string
			may          May
			want         fault.Kind
		}{
			"of another portal":               {stranger, "one", "c1", yes, fault.NotFound},
			"through another portal":          {stranger, "two", "c1", yes, fault.NotFound},
			"through another case":            {applicant, "one", "c2", yes, fault.NotFound},
			"not their case":                  {applicant, "one", "c1", no, fault.Forbidden},
			"nobody was asked":                {applicant, "one", "c1", nil, fault.Forbidden},
			"an officer without cases":        {clerk, "one", "c1", yes, fault.Forbidden},
			"an officer not yet let in whole": {actor.Actor{Kind: actor.Officer, Portal: "one", Roles: officer.Roles}, "one", "c1", yes, fault.Forbidden},
		} {
			if _, _, err := k.Open(t.Context(), c.by, c.portal, c.file, doc.ID, c.may); !fault.Is(err, c.want) {
				t.Errorf("open, %s: %v", name, err)
			}
			if err := k.Remove(t.Context(), c.by, c.portal, c.file, doc.ID, c.may); !fault.Is(err, c.want) {
				t.Errorf("remove, %s: %v", name, err)
			}
			u := upload(pngOf(2, 2))
			u.Portal, u.Case = c.portal, c.file
			if c.portal == "one" && c.file == "c1" {
				if _, err := k.Add(t.Context(), c.by, u, rule, c.may); !fault.Is(err, c.want) {
					t.Errorf("add, %s: %v", name, err)
				}
			}
		}
		if k.onDisk(t) != 1 || len(k.of(t, "c1")) != 1 || k.entries(t) != 1 {
			t.Fatalf("%d files, %d rows, %d entries", k.onDisk(t), len(k.of(t, "c1")), k.entries(t))
		}
	})
}

func TestARefusalIsToldByItsFieldAndLeavesNothing(t *testing.T) {
	each(t, func(t *testing.T, k kit) {
		first := k.add(t, pdf("(first)"))
		large := pdf("(" + strings.Repeat("x", megabyte) + ")")
		for key, c := range map[string]struct {
			content []byte
			rule    Rule
			args    fault.Args
		}{
			"E-FIC-02": {large, rule, fault.Pairs("max", "1")},
			"E-FIC-03": {pngOf(3, 3), Rule{Kinds: []Kind{PDF, JPEG}, MaxMB: 1, MaxFiles: 9, CaseMaxMB: 9}, fault.Pairs("formatos", "PDF, JPEG")},
			"E-FIC-04": {pdfWith("/Encrypt 9 0 R"), rule, nil},
			"E-FIC-05": {[]byte("<html>%PDF-1.4"), rule, nil},
			"E-FIC-06": {pdf("(first)"), rule, fault.Pairs("documento", first.Name)},
			"E-FIC-07": {nil, rule, nil},
			"E-FIC-08": {pngOf(4, 4), Rule{Kinds: all, MaxMB: 1, MaxFiles: 1, CaseMaxMB: 2}, fault.Pairs("n", "1", "max", "2")},
		} {
			_, err := k.Add(t.Context(), applicant, upload(c.content), c.rule, yes)
			refusal, ok := fault.As(err)
			if !ok || len(refusal.Fields) != 1 || refusal.Fields[0].Name != "proof" || refusal.Fields[0].Key != key {
				t.Errorf("%s: %v", key, err)
				continue
			}
			if got := refusal.Fields[0].Args; len(got) != len(c.args) || fmt.Sprint(map[string]string(got)) != fmt.Sprint(map[string]string(c.args)) {
				t.Errorf("%s: %v, want %v", key, got, c.args)
			}
			if wantKind := map[bool]fault.Kind{true: fault.TooLarge, false: fault.Invalid}[key == "E-FIC-02"]; refusal.Kind != wantKind {
				t.Errorf("%s: %s", key, refusal.Kind)
			}
		}
		if k.onDisk(t) != 1 || len(k.of(t, "c1")) != 1 || k.entries(t) != 1 {
			t.Fatalf("%d files, %d rows, %d entries", k.onDisk(t), len(k.of(t, "c1")), k.entries(t))
		}
		k.add(t, pngOf(5, 5)) // what was refused counts for nothing
		k.add(t, pngOf(6, 6))
	})
}

// C12, F27: dripped, cut off, endless.
func TestAnAbortedUploadLeavesNothing(t *testing.T) {
	each(t, func(t *testing.T, k kit) {
		content := pdf()
		for name, r := range map[string]io.Reader{
			"cut off at the end": io.MultiReader(bytes.NewReader(content), iotest.ErrReader(io.ErrUnexpectedEOF)),
			"cut off at once":    iotest.ErrReader(errors.New("reset by peer")),
		} {
			u := upload(nil)
			u.Reader = r
			if _, err := k.Add(t.Context(), applicant, u, rule, yes); err == nil {
				t.Errorf("%s: taken", name)
			}
		}
		u := upload(nil)
		u.Reader = iotest.OneByteReader(bytes.NewReader(content))
		if _, err := k.Add(t.Context(), applicant, u, rule, yes); err != nil {
			t.Errorf("dripped: %v", err)
		}
		if k.onDisk(t) != 1 {
			t.Fatalf("%d files", k.onDisk(t))
		}
	})
}

func TestACaseThatClosesDuringTheUploadTakesNothing(t *testing.T) {
	each(t, func(t *testing.T, k kit) {
		asked := 0
		closing := func(ctx context.Context, tx *db.Tx) error {
			if asked++; asked > 1 {
				return fault.New(fault.Conflict, "fault.conflict")
			}
			return nil
		}
		if _, err := k.Add(t.Context(), applicant, upload(pdf()), rule, closing); !fault.Is(err, fault.Conflict) {
			t.Fatal(err)
		}
		if k.onDisk(t) != 0 || len(k.of(t, "c1")) != 0 {
			t.Fatal("something is left")
		}
	})
}

func TestUploadsAtOnceHoldTheLimitAndTheTwinRule(t *testing.T) {
	each(t, func(t *testing.T, k kit) {
		var group sync.WaitGroup
		errs := make([]error, 12)
		for i := range errs {
			group.Go(func() {
				_, errs[i] = k.Add(t.Context(), applicant, upload(pngOf(1+i/2, 1)), rule, yes)
			})
		}
		group.Wait()
		taken := 0
		for _, err := range errs {
			if err == nil {
				taken++
			} else if !fault.Is(err, fault.Invalid) {
				t.Error(err)
			}
		}
		docs := k.of(t, "c1")
		if taken != int(rule.MaxFiles) || len(docs) != taken || k.onDisk(t) != taken {
			t.Fatalf("%d taken, %d rows, %d files, want %d", taken, len(docs), k.onDisk(t), rule.MaxFiles)
		}
		digests := map[string]bool{}
		for _, d := range docs {
			digests[d.Digest] = true
		}
		if len(digests) != taken {
			t.Error("a twin was taken")
		}
	})
}

func TestOneDocumentServesTwoPlacesAndEachByItself(t *testing.T) {
	each(t, func(t *testing.T, k kit) {
		first := k.add(t, pdf())
		other := upload(pdf())
		other.Slot = "power"
		second, err := k.Add(t.Context(), applicant, other, rule, yes)
		if err != nil || second.Digest != first.Digest {
			t.Fatalf("%v: %v", second, err)
		}
		other.Reader = bytes.NewReader(pdf())
		if _, err := k.Add(t.Context(), applicant, other, rule, yes); !fault.Is(err, fault.Invalid) {
			t.Errorf("twice in one place: %v", err)
		}
		if err := k.Remove(t.Context(), applicant, "one", "c1", first.ID, yes); err != nil {
			t.Fatal(err)
		}
		_, content, err := k.Open(t.Context(), applicant, "one", "c1", second.ID, yes)
		if err != nil {
			t.Fatalf("taken out of one place, it is gone from the other: %v", err)
		}
		_ = content.Close()
	})
}

func TestWhatIsRemovedLeavesRoomAndNoFile(t *testing.T) {
	each(t, func(t *testing.T, k kit) {
		doc := k.add(t, pdf())
		k.add(t, pngOf(1, 1))
		k.add(t, pngOf(2, 2))
		if err := k.Remove(t.Context(), applicant, "one", "c1", doc.ID, yes); err != nil {
			t.Fatal(err)
		}
		if err := k.Remove(t.Context(), applicant, "one", "c1", doc.ID, yes); !fault.Is(err, fault.NotFound) {
			t.Errorf("twice: %v", err)
		}
		if k.onDisk(t) != 2 || k.entries(t) != 4 {
			t.Fatalf("%d files, %d entries", k.onDisk(t), k.entries(t))
		}
		k.add(t, pdf())
	})
}

func TestErasingACaseErasesItsFilesAndNobodyElses(t *testing.T) {
	each(t, func(t *testing.T, k kit) {
		k.add(t, pdf())
		k.add(t, pngOf(1, 1))
		other := upload(pdf())
		other.Case = "c2"
		if _, err := k.Add(t.Context(), applicant, other, rule, yes); err != nil {
			t.Fatal(err)
		}
		refusal := errors.New("no")
		err := k.db.InTx(t.Context(), func(tx *db.Tx) error { return errors.Join(k.EraseCase(t.Context(), tx, "c1"), refusal) })
		if !errors.Is(err, refusal) || k.onDisk(t) != 3 {
			t.Fatalf("a deed that refused erased files: %v, %d", err, k.onDisk(t))
		}
		if err := k.db.InTx(t.Context(), func(tx *db.Tx) error { return k.EraseCase(t.Context(), tx, "c1") }); err != nil {
			t.Fatal(err)
		}
		if k.onDisk(t) != 1 || len(k.of(t, "c1")) != 0 || len(k.of(t, "c2")) != 1 {
			t.Fatalf("%d files, %d and %d rows", k.onDisk(t), len(k.of(t, "c1")), len(k.of(t, "c2")))
		}
	})
}

func TestSweepDeletesWhatACrashLeftAndNothingElse(t *testing.T) {
	each(t, func(t *testing.T, k kit) {
		k.add(t, pdf())
		if _, err := k.store.Put(t.Context(), strings.NewReader("orphan"), 100); err != nil {
			t.Fatal(err)
		}
		if n, err := k.Sweep(t.Context(), time.Now()); err != nil || n != 0 {
			t.Fatalf("an upload under way was swept away: %d %v", n, err)
		}
		if n, err := k.Sweep(t.Context(), time.Now().Add(2*UploadTime)); err != nil || n != 1 {
			t.Fatalf("%d %v", n, err)
		}
		if k.onDisk(t) != 1 {
			t.Fatal(k.onDisk(t))
		}
	})
}

func TestALostOrRottenDocumentIsUnavailableAndFoundByCheck(t *testing.T) {
	each(t, func(t *testing.T, k kit) {
		doc := k.add(t, pdf())
		k.add(t, pngOf(1, 1))
		var file string
		_ = filepath.WalkDir(k.path, func(p string, _ fs.DirEntry, _ error) error {
			if strings.Contains(p, string(doc.blob)) {
				file = p
			}
			return nil
		})
		if err := os.WriteFile(file, []byte("rot"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := k.Open(t.Context(), applicant, "one", "c1", doc.ID, yes); !fault.Is(err, fault.Unavailable) {
			t.Errorf("opened: %v", err)
		}
		var bad []ID
		if err := k.Check(t.Context(), func(id ID, _ error) { bad = append(bad, id) }); err != nil || len(bad) != 1 || bad[0] != doc.ID {
			t.Fatal(bad, err)
		}
	})
}

type scanner struct {
	clean bool
	err   error
}

func (s scanner) Scan(context.Context, io.Reader) (bool, error) { return s.clean, s.err }

func TestTheScannersWordCounts(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		clean := made(t, d, scanner{clean: true})
		if doc := clean.add(t, pngOf(1, 1)); doc.Scan != Clean {
			t.Error(doc.Scan)
		}
		infected := made(t, d, scanner{clean: false})
		_, err := infected.Add(t.Context(), applicant, upload(pngOf(2, 2)), rule, yes)
		if refusal, ok := fault.As(err); !ok || refusal.Fields[0].Key != "E-FIC-05" || infected.onDisk(t) != 0 {
			t.Error(err)
		}
		away := made(t, d, scanner{err: errors.New("down")})
		doc := away.add(t, pngOf(3, 3))
		if doc.Scan != Held {
			t.Error(doc.Scan)
		}
		if _, _, err := away.Open(t.Context(), officer, "one", "c1", doc.ID, yes); !fault.Is(err, fault.Unavailable) {
			t.Errorf("a document that nobody scanned was released: %v", err)
		}
	})
}
