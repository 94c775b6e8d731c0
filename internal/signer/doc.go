// Package signer is the door between the room that signs and the rest of the program, where the two are different
// processes: one that has the keys ([Server], over package ca), and one that has no path to a key ([Line], [Remote]).
//
// What crosses it is small: have an order issued, have a seal put, have an answer or a time stamp signed, have a list
// made, say how you are. Each is one POST of JSON over HTTP/1.1, through a Unix socket whose peer the kernel names, or
// TLS in which each side knows the other's very certificate. A body is read only up to a size, and taken only if it is
// exactly what our own client would have written.
//
// It must never carry a reason to sign: who approved what, who is identified, what is revoked, the room reads in the
// record itself, and believes whoever asks in nothing. It must never carry a key, and never tell a stranger more than
// that it refuses. The record itself does not pass here: both processes have the database.
//
// Start reading at wire.go, which has all that can be said; then [Server.ServeHTTP] and [Line].
package signer
