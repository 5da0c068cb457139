//! `--watch`: the live page in a real terminal (tmux), and one report after the other elsewhere.

mod page;
mod screen;
mod stream;
