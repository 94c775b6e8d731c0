// Package known fills the data directory of an instance with many certificates, fast: the program founds it, and is
// stopped; then rows are put straight into its record, as the record itself would have them after issuing each. Every
// row is that of a test certificate that the program issued, under another number: its size is right, and what stands in
// its certificate is of the number it was copied from.
//
// It imports nothing of the program. Start reading at [Fill].
package known

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
	_ "modernc.org/sqlite" // the driver named sqlite

	"chancela/bench/child"
)

// Filled is a data directory with certificates.
type Filled struct {
	Program string // the built program
	Data    string
	Issuer  []byte // the authority's certificate, DER
	Name    string // of the authority
	// Some are a share of the numbers, spread evenly.
	Some []Certificate
}

// Certificate is one of them.
type Certificate struct {
	Serial  *big.Int
	Revoked bool
}

// Count is how many certificates are put in.
type Count struct {
	All         int
	RevokedEach int // how many come to one that is revoked
	Some        int // how many are given back, at most
}

// Build builds the program.
func Build(ctx context.Context, dir string) (string, error) {
	program := filepath.Join(dir, "chancela")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", program, "./cmd/chancela").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return program, nil
}

// Serve starts the program on the directory, and waits until it is ready.
func (f *Filled) Serve(ctx context.Context, env ...string) (*child.Child, error) {
	return child.Start(ctx, 2*time.Minute, func(address string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, f.Program, "serve", "--data", f.Data, "--listen", address)
		cmd.Env = append(cmd.Environ(), env...)
		return cmd
	}, Ready)
}

// Fill founds an instance in a directory that is not there yet, and gives it so many certificates.
func Fill(ctx context.Context, program, data string, n Count) (*Filled, error) {
	f := &Filled{Program: program, Data: data}
	founded, err := f.Serve(ctx)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(f.sampled(ctx), founded.Stop()); err != nil {
		return nil, err
	}
	d, err := sql.Open("sqlite", "file:"+filepath.Join(data, "chancela.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)&_pragma=cache_size(-400000)")
	if err != nil {
		return nil, err
	}
	d.SetMaxOpenConns(1)
	err = f.fill(ctx, d, n)
	return f, errors.Join(err, d.Close())
}

// sampled waits for the test certificate, which the program issues behind its start.
func (f *Filled) sampled(ctx context.Context) error {
	d, err := sql.Open("sqlite", "file:"+filepath.Join(f.Data, "chancela.db")+"?_pragma=query_only(1)&_pragma=busy_timeout(10000)")
	if err != nil {
		return err
	}
	for begin := time.Now(); time.Since(begin) < time.Minute && err == nil; <-time.After(50 * time.Millisecond) {
		there := 0
		if err = d.QueryRowContext(ctx, `SELECT count(*) FROM ca_certificate WHERE order_id = ? AND state = 'issued'`, sample).Scan(&there); there == 1 {
			return d.Close()
		}
	}
	return errors.Join(err, errors.New("the program has issued no test certificate "+sample), d.Close())
}

const (
	sample    = "sample-website-valid-1"
	authority = `SELECT k.name, c.der FROM ca_key k JOIN ca_certificate c ON c.serial = k.serial WHERE k.purpose = 'issuing'`
)

// ours are the columns that each row has of its own; all others are those of the certificate that is copied.
var ours = []string{"serial", "order_id", "digest", "key_digest", "tbs_hash", "state", "revoked_at", "reason", "entry", "turn"}

func (f *Filled) fill(ctx context.Context, d *sql.DB, n Count) error {
	if err := d.QueryRowContext(ctx, authority).Scan(&f.Name, &f.Issuer); err != nil {
		return fmt.Errorf("the authority: %w", err)
	}
	tx, err := d.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	again, err := dropIndexes(ctx, tx)
	if err != nil {
		return err
	}
	if err := f.insert(ctx, tx, n); err != nil {
		return err
	}
	for _, index := range again {
		if _, err := tx.ExecContext(ctx, index); err != nil {
			return err
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	_, err = d.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
	return err
}

// Revoke puts a revocation into the record as another process of the instance would, while the program runs.
func (f *Filled) Revoke(ctx context.Context, c Certificate) (err error) {
	d, err := sql.Open("sqlite", "file:"+filepath.Join(f.Data, "chancela.db")+"?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=synchronous(FULL)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	tx, err := d.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	at := time.Now().UTC()
	entry, err := entryOf(c.Serial, at)
	if err != nil {
		return err
	}
	var turn int64
	if err := tx.QueryRowContext(ctx, `UPDATE ca_list_head SET changes = changes + 1 WHERE list = ? RETURNING changes`, f.Name).Scan(&turn); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE ca_certificate SET state = 'revoked', revoked_at = ?, reason = 4, entry = ?, turn = ? WHERE serial = ?`,
		at.Format(stored), entry, turn, hex.EncodeToString(c.Serial.Bytes()))
	return errors.Join(err, tx.Commit())
}

// stored is how the record writes times.
const stored = "2006-01-02T15:04:05.000000Z"

// dropIndexes takes the table's indexes away, which are cheaper to make at the end, and gives the statements for that.
func dropIndexes(ctx context.Context, tx *sql.Tx) (again []string, err error) {
	const those = ` FROM sqlite_master WHERE type = 'index' AND tbl_name = 'ca_certificate' AND sql IS NOT NULL ORDER BY name`
	again, err = texts(ctx, tx, `SELECT sql`+those)
	if err != nil {
		return nil, err
	}
	names, err := texts(ctx, tx, `SELECT name`+those)
	for _, name := range names {
		_, failed := tx.ExecContext(ctx, `DROP INDEX `+name)
		err = errors.Join(err, failed)
	}
	return again, err
}

// texts reads one column.
func texts(ctx context.Context, tx *sql.Tx, query string) (all []string, err error) {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var one string
		if err := rows.Scan(&one); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

func (f *Filled) insert(ctx context.Context, tx *sql.Tx, n Count) error {
	copied, err := others(ctx, tx)
	if err != nil {
		return err
	}
	marks := make([]string, len(ours))
	for i := range marks {
		marks[i] = fmt.Sprint("?", i+1)
	}
	add, err := tx.PrepareContext(ctx, fmt.Sprintf(`INSERT INTO ca_certificate (%[1]s, %[2]s) SELECT %[3]s, %[2]s FROM model`, strings.Join(ours, ", "), strings.Join(copied, ", "), strings.Join(marks, ", ")))
	if err != nil {
		return err
	}
	defer func() { _ = add.Close() }()
	var changes int64
	if err := tx.QueryRowContext(ctx, `SELECT changes FROM ca_list_head WHERE list = ?`, f.Name).Scan(&changes); err != nil {
		return err
	}
	at := time.Now().UTC().Truncate(time.Second)
	each := max(1, n.All/max(1, n.Some))
	raw := make([]byte, 16)
	for i := range n.All {
		_, _ = rand.Read(raw)
		raw[0] = raw[0]&0x3f | 0x40 // as long as the program's own, and positive
		c := Certificate{new(big.Int).SetBytes(raw), i%n.RevokedEach == n.RevokedEach-1}
		number := hex.EncodeToString(raw)
		state, since, reason, turn := "issued", "", 0, int64(0)
		var entry []byte
		if c.Revoked {
			changes++
			state, since, reason, turn = "revoked", at.Format(stored), 4, changes
			if entry, err = entryOf(c.Serial, at); err != nil {
				return err
			}
		}
		if _, err := add.ExecContext(ctx, number, "bench-"+number, number+number, number+number, number+number, state, since, reason, entry, turn); err != nil {
			return err
		}
		if (i%each == 0 || c.Revoked && i/n.RevokedEach%each == 0) && len(f.Some) < n.Some {
			f.Some = append(f.Some, c)
		}
	}
	_, err = tx.ExecContext(ctx, `UPDATE ca_list_head SET changes = ? WHERE list = ?`, changes, f.Name)
	return err
}

// others are the columns that are copied; the row that they are copied from is put aside, in the table model.
func others(ctx context.Context, tx *sql.Tx) ([]string, error) {
	if _, err := tx.ExecContext(ctx, `CREATE TEMP TABLE model AS SELECT * FROM ca_certificate WHERE order_id = ?`, sample); err != nil {
		return nil, err
	}
	copied, err := texts(ctx, tx, `SELECT name FROM pragma_table_info('ca_certificate')`)
	if err != nil {
		return nil, err
	}
	copied = slices.DeleteFunc(copied, func(name string) bool { return slices.Contains(ours, name) })
	var there int
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM model`).Scan(&there); err != nil || there != 1 {
		return nil, errors.Join(err, errors.New("the program has issued no test certificate "+sample))
	}
	return copied, nil
}

// entryOf is a certificate's entry in a list: number, time, and reason superseded (RFC 5280 §5.3).
func entryOf(serial *big.Int, at time.Time) ([]byte, error) {
	b := cryptobyte.NewBuilder(nil)
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1BigInt(serial)
		b.AddASN1UTCTime(at)
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier([]int{2, 5, 29, 21})
				b.AddASN1(asn1.OCTET_STRING, func(b *cryptobyte.Builder) { b.AddASN1Enum(4) })
			})
		})
	})
	return b.Bytes()
}
