// Package durable puts files on the disk so that a power cut leaves each of them whole or not there at all.
//
// A file is written under a name of its own and synced, and only then given its place; the folder that holds the name is
// synced behind it. Whoever is told that it went well may rely on it. Whoever is told otherwise has nothing: what a
// failed try made is taken away where it can be.
//
// It must never sync again what could not be synced. A kernel that fails to write a page forgets that it had to, and the
// next sync of the same file says that all is well (PostgreSQL learned this in 2018). So a second try begins with a new
// file, and whoever appends to a file stops after the first failure, until the program is started again. Start reading
// at [Create] and [Replace].
package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Create puts a file in its place, readable by this user only, where no file may be yet: [fs.ErrExist] if there is one,
// whose name is then on the disk too. The folder is made if it is not there.
func Create(path string, data []byte) error {
	return place(path, data, func(temp string) error {
		err := os.Link(temp, path)
		if errors.Is(err, fs.ErrExist) {
			if settle := Settle(path); settle != nil { // whoever made it may have been killed before its folder was synced
				return settle
			}
			return err
		}
		if err != nil {
			return err
		}
		if err := Settle(path); err != nil {
			return errors.Join(err, os.Remove(path)) // a second try must not take it for durable
		}
		return nil
	})
}

// Replace puts a file in its place, readable by this user only, and in that of another if there is one. The folder is
// made if it is not there. After an error either of the two may be there, whole.
func Replace(path string, data []byte) error {
	return place(path, data, func(temp string) error {
		return Move(temp, path)
	})
}

// Move gives a file that was synced its place.
func Move(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return Settle(to)
}

// place writes a file aside and hands its name to whoever gives it its place.
func place(path string, data []byte, give func(temp string) error) error {
	if err := Folder(filepath.Dir(path)); err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temp.Name()) }() // renamed already, or a second name
	_, err = temp.Write(data)
	if err == nil {
		err = temp.Sync()
	}
	if err = errors.Join(err, temp.Close()); err != nil {
		return err
	}
	return give(temp.Name())
}

// Folder makes a folder that only this user reads, with those above it, if it is not there.
func Folder(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil
	}
	above := filepath.Dir(path)
	if above != path {
		if err := Folder(above); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		if info, stat := os.Stat(path); stat == nil && info.IsDir() { // somebody else made it at this moment
			return nil
		}
		return err
	}
	return Settle(path)
}

// Settle makes a change of a name last: that of a file or folder which was made, moved or removed.
func Settle(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
