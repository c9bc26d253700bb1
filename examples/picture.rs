//! Markdown on standard input to a page on standard output that looks as on GitHub; `script/picture` photographs it.
//!
//! The argument is the address of a folder with `node_modules`: GitHub's own style sheet and Mermaid are taken from there.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    missing_docs,
    reason = "an example talks, and stops at a surprise"
)]

use std::{env, io};

use comrak::{Options, markdown_to_html};

fn main() {
    let modules = env::args().nth(1).unwrap();
    let markdown = io::read_to_string(io::stdin()).unwrap();
    let mut options = Options::default();
    options.extension.strikethrough = true;
    options.extension.table = true;
    options.extension.tasklist = true;
    options.extension.autolink = true;
    // The summary's own HTML is `<code>` and the like, which GitHub lets through.
    options.render.r#unsafe = true;
    options.render.github_pre_lang = true;
    let body = markdown_to_html(&markdown, &options)
        .replace("<pre lang=\"mermaid\"><code>", "<pre class=\"mermaid\">")
        .replace("</code></pre>", "</pre>");
    println!(
        "<!doctype html><meta charset=\"utf-8\">\
         <link rel=\"stylesheet\" href=\"{modules}/github-markdown-css/github-markdown-light.css\">\
         <style>body {{ margin: 0 }} article {{ width: 860px; padding: 24px 32px }} .mermaid {{ text-align: center; visibility: hidden }} .mermaid[data-processed] {{ visibility: visible }}</style>\
         <article class=\"markdown-body\">{body}</article>\
         <script src=\"{modules}/mermaid/dist/mermaid.min.js\"></script>\
         <script>mermaid.initialize({{ startOnLoad: false, securityLevel: 'loose' }});\
         mermaid.run().then(() => {{ document.title = 'drawn'; \
         document.documentElement.dataset.height = document.querySelector('article').offsetHeight; }});</script>"
    );
}
