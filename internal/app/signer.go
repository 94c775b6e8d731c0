package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"chancela/internal/signer"
)

// OpenSigner opens the room that signs alone, for a process of its own: definitions, from which bodies' seals follow,
// the database, the keys. Nothing that people see is opened, and nothing is sent.
func OpenSigner(ctx context.Context, o Options) (*App, error) {
	a := newApp(o)
	for _, step := range []func(context.Context) error{a.ownFolder, a.openPortals, a.openStores, a.openKeysRoom} {
		if err := step(ctx); err != nil {
			return nil, errors.Join(err, a.Close())
		}
	}
	return a, nil
}

// ownFolder wants a data directory that no other process works with: its name among those that share the database, and
// the file of its checkpoints, are its own.
func (a *App) ownFolder(context.Context) error {
	if _, err := os.Stat(filepath.Join(a.keysDir(), "instance.key")); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is the data directory of a process that serves; give the signer its own (--data), and its signing keys with it", a.path())
	}
	if err := os.MkdirAll(a.path(), 0o700); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	lock, err := os.OpenFile(a.path("signer.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return errors.Join(fmt.Errorf("another signer works with %s", a.path()), lock.Close())
	}
	a.close = append(a.close, lock.Close)
	return nil
}

func (a *App) openKeysRoom(ctx context.Context) error {
	if err := a.openRoom(); err != nil {
		return err
	}
	if err := a.loadHierarchy(ctx); err != nil {
		return fmt.Errorf("certification hierarchy: %w", err)
	}
	return nil
}

// ListenSigner opens the door that the settings name.
func (a *App) ListenSigner(ctx context.Context) (net.Listener, error) {
	s := a.o.Settings.Signer
	c := signer.ListenConfig{Address: s.Listen, Group: -1, TLS: signer.TLS{Certificate: s.Certificate, Key: s.Key, Peers: s.Clients}, Log: a.o.Log}
	if c.Address == "" {
		path, err := filepath.Abs(a.path("signer.sock"))
		if err != nil {
			return nil, err
		}
		c.Address = "unix:" + path
	}
	for _, name := range s.Users {
		id, err := userID(name)
		if err != nil {
			return nil, fmt.Errorf("signer.users: %w", err)
		}
		c.Users = append(c.Users, id)
	}
	if len(c.Users) == 0 {
		c.Users = []int{os.Getuid()}
	}
	if s.Group != "" {
		group, err := groupID(s.Group)
		if err != nil {
			return nil, fmt.Errorf("signer.group: %w", err)
		}
		c.Group = group
	}
	return signer.Listen(ctx, c)
}

func userID(name string) (int, error) {
	if id, err := strconv.Atoi(name); err == nil {
		return id, nil
	}
	found, err := user.Lookup(name)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(found.Uid)
}

func groupID(name string) (int, error) {
	if id, err := strconv.Atoi(name); err == nil {
		return id, nil
	}
	found, err := user.LookupGroup(name)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(found.Gid)
}

// RunSigner answers at the door and runs the room's loops until ctx ends, and then waits for them.
func (a *App) RunSigner(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var loops sync.WaitGroup
	loops.Go(func() { a.Keeper.Run(ctx) })
	loops.Go(func() { _ = a.CA.Run(ctx) })
	loops.Go(func() { _ = a.CA.Feed(ctx) })
	if a.Module != nil {
		loops.Go(func() { _ = a.watchKeys(ctx) })
	}
	if a.listing != nil {
		loops.Go(func() { _ = a.watchListing(ctx) })
	}
	door := signer.NewServer(signer.Config{Room: a.CA, Health: a.healthOfSigner, Log: a.o.Log})
	err := signer.Serve(ctx, l, door, a.o.Log)
	cancel()
	loops.Wait()
	return err
}

// healthOfSigner says how this signer is, from what it last found itself: asking costs no signature.
func (a *App) healthOfSigner(ctx context.Context) signer.Health {
	h := signer.Health{Base: a.pkiBase(), Module: a.Module != nil, At: time.Now().UTC(), Version: version()}
	for _, one := range a.Record.Authorities() {
		if one.Root {
			h.Roots = append(h.Roots, one.Fingerprint)
		}
	}
	slices.Sort(h.Roots)
	replica, err := a.replica()
	h.Replica = replica
	err = errors.Join(err, a.DB.Health(), a.reach(ctx), a.Keeper.Health(), a.KeysHealth())
	if err == nil && a.Module != nil {
		h.Keys = a.Module.Health().Keys
	} else if err == nil {
		h.Keys, err = a.CA.OpenKeys(ctx)
	}
	if err == nil && len(h.Roots) == 0 {
		err = errors.New("there is no hierarchy yet")
	}
	if err != nil {
		h.Trouble = err.Error()
	}
	return h
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return ""
}
