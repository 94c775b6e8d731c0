package db

import (
	"context"
	"io/fs"
)

// MigrateFrom runs migrations of a test's own.
func MigrateFrom(ctx context.Context, d *DB, dir fs.FS) error { return d.migrate(ctx, dir) }
