//! Who is connected, what they hold, who blocks whom, and how to end it.
