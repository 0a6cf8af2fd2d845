# Nothing but what terraform itself carries (terraform_data, from 1.4 on), so it runs without a network.

variable "title" {
  type    = string
  default = "Hello"
}

variable "editors" {
  type    = list(string)
  default = ["ada", "grace"]
}

resource "terraform_data" "editor" {
  for_each = toset(var.editors)
  input    = { name = each.key, may = "write" }
}

resource "terraform_data" "page" {
  triggers_replace = [var.title, sort(var.editors)]
  depends_on       = [terraform_data.editor]

  provisioner "local-exec" {
    command     = "printf '<h1>%s</h1>\\n<p>by %s</p>\\n' \"$TITLE\" \"$EDITORS\" > page.html"
    environment = { TITLE = var.title, EDITORS = join(", ", sort(var.editors)) }
  }

  provisioner "local-exec" {
    when    = destroy
    command = "rm -f page.html"
  }
}

output "page" {
  value = "${path.cwd}/page.html"
}

output "editors" {
  value = [for editor in terraform_data.editor : editor.output.name]
}
