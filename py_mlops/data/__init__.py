"""The files a program read and wrote: which they are, what they held, and how they come back."""
